/** An entry of the workspace alone, not published: what decodes messages of peers, for comparing it with other implementations. */
export { decodePortalMessage, type PortalMessage } from '../portal-message.ts'
