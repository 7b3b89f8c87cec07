import { library } from '../../tools/setup/tsup-preset.mjs'

export default library({
  entry: ['src/index.ts', 'src/primitives-node.ts', 'src/primitives-noble.ts'],
  platform: 'neutral',
  external: ['#primitives'],
})
