import { program } from '../../../tools/setup/tsup-preset.mjs'

export default program()
