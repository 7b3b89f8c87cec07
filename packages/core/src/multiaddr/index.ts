export { MultiAddr, type MultiAddrPiece } from './multiaddr.ts'
export { type MultiAddrProtocol, type MultiAddrValueKind, mergeMultiAddrProtocols, multiAddrProtocols } from './protocol.ts'
