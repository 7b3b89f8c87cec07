export { findNativeAead, nativeAead, type NativeAead } from './native-aead.ts'
export type { NativeAeadErrorCode } from './error.ts'
