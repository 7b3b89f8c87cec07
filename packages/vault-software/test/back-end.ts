/** Both back ends, so that every promise is tested on each, whichever one `#primitives` chooses here. */

import { createBackend as createNobleBackend } from '../src/primitives-noble.ts'
import { createBackend as createNodeBackend } from '../src/primitives-node.ts'

export const backends = [
  ['node:crypto', createNodeBackend],
  ['noble', createNobleBackend],
] as const
