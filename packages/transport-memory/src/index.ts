export type { LinkCounters } from './link.ts'
export type { LinkFilter, LinkSettings } from './link-setting.ts'
export { type MemoryNetwork, type MemoryNetworkOptions, memoryNetwork } from './memory-network.ts'
export type { Tap, TappedMessage } from './tap.ts'
