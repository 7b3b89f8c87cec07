import { library } from '../../tools/setup/tsup-preset.mjs'

export default library({
  // The module has a file of its own, so that the benchmark's ceiling runs the same bytes.
  entry: ['src/index.ts', 'src/primitives-node.ts', 'src/primitives-noble.ts', 'src/aes-gcm-module-node.ts'],
  platform: 'neutral',
  external: ['#primitives'],
})
