/** Requests with raw or typed bodies along a route, each with an identifier of its own. */

import type { BodyCodec, RequestOptions, Route, Router } from '@ockam/core'

export interface TypedRequestOptions<Request, Reply> extends RequestOptions {
  readonly body: BodyCodec<Request, Reply>
}

export class RequestSender {
  readonly #router: Router
  #lastRequest = 0

  constructor(router: Router) {
    this.#router = router
  }

  /** Without a `body`, the request is bytes, and so is the answer. */
  async request<Request, Reply>(
    route: Route,
    request: Request | Uint8Array,
    options: RequestOptions & { readonly body?: BodyCodec<Request, Reply> } = {},
  ): Promise<Reply | Uint8Array> {
    const { body } = options
    if (body === undefined) return (await this.#router.context.request(route, request as Uint8Array, options)).payload
    this.#lastRequest = (this.#lastRequest + 1) >>> 0
    const id = this.#lastRequest
    const answer = await this.#router.context.request(route, body.encodeRequest(id, request as Request), options)
    return body.decodeReply(answer.payload, id)
  }
}
