export type { TcpErrorCode } from './error.ts'
export type { TcpOptions } from './option.ts'
export { tcp } from './tcp.ts'
