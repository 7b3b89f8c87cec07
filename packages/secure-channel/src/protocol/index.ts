/** An entry of the workspace alone, not published: the decoder of what goes through a channel, for comparing it with other implementations. */
export { ChannelMessageDecoder } from './channel-message.ts'
