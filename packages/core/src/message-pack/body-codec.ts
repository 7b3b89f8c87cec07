/** How requests and replies become bytes; what `request(…, { body })` takes. */
export interface BodyCodec<Request, Reply> {
  /**
   * @param id 0 to 2^32-1; the reply must carry the same.
   * @throws {OckamError} `core/invalid-message-pack`, `core/limit-exceeded` when the request has no MessagePack form.
   */
  encodeRequest(id: number, request: Request): Uint8Array<ArrayBuffer>
  /**
   * @param bytes what came back, untrusted; nothing in the reply is a view of it.
   * @throws {OckamError} (rejects) `core/request-failed` when the service answered with a failure; `core/invalid-message-pack` or
   * `core/limit-exceeded` when the answer cannot be read, belongs to another request, or fails the schema.
   */
  decodeReply(bytes: Uint8Array, id: number): Promise<Reply>
}
