export type { DropReason } from './drop-counter.ts'
export type { RoutingErrorCode } from './error.ts'
export { createRouter, type RouterOptions } from './router.ts'
export {
  API_UNIT,
  type ApiError,
  type ApiMethod,
  type ApiRequest,
  type ApiResponse,
  type ApiStatus,
  decodeApiError,
  decodeApiRequest,
  decodeApiResponse,
  encodeApiError,
  encodeApiRequest,
  encodeApiResponse,
} from './api/api-message.ts'
export { startEcho } from './service/echo.ts'
export { startHop } from './service/hop.ts'
export { createRelayClient, type RelayClientOptions, type RelayHandle } from './service/relay-client.ts'
export { createRelaySession, type RegisteredRoute, type RelaySession, type RelaySessionOptions } from './service/relay-session.ts'
export { type RelayService, type RelayServiceOptions, startRelayService } from './service/relay-service.ts'
export { startUppercase } from './service/uppercase.ts'
export { createSessions, type SessionSet } from './session/sessions.ts'
