import { library } from '../../tools/setup/tsup-preset.mjs'

export default library({
  entry: ['src/index.ts', 'src/cbor/index.ts', 'src/bare/index.ts', 'src/message-pack/index.ts'],
  platform: 'neutral',
})
