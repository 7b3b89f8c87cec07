import { library } from '../../tools/setup/tsup-preset.mjs'

export default library({
  entry: ['src/index.ts'],
  platform: 'node',
})
