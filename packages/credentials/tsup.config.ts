import { library } from '../../tools/setup/tsup-preset.mjs'

export default library({
  entry: ['src/index.ts', 'src/abac/index.ts'],
  platform: 'neutral',
})
