export type { BodyCodec } from './body-codec.ts'
export { decodeEnvelope, type Envelope, type EnvelopeKind, encodeEnvelope } from './envelope.ts'
export { type MessagePackBody, type MessagePackOptions, messagePack, type RequestDetails, type RequestHandler } from './message-pack.ts'
export { decodeMessagePack, encodeMessagePack } from './message-pack-value.ts'
export { type MessagePackLimits, scanMessagePack } from './scan.ts'
export {
  type SchemaInput,
  type SchemaOutput,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
  unchecked,
} from './standard-schema.ts'
