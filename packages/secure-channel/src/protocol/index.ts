/** An entry of the workspace alone, not published: what decodes messages of peers, for comparing it with other implementations. */
export { ChannelMessageDecoder } from './channel-message.ts'
export { decodeIdentityPayload } from './identity-payload.ts'
