export type { DropReason } from './drop-counter.ts'
export type { RoutingErrorCode } from './error.ts'
export { createRouter, type RouterOptions } from './router.ts'
