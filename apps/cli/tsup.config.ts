import { bundledProgram } from '../../tools/setup/tsup-preset.mjs'

export default bundledProgram({ entry: ['src/ockam.ts'] })
