/** What device and service say to each other. */

import { messagePack } from '@ockam/core/message-pack'
import { z } from 'zod'

const Reading = z.object({
  /** Processes that want a processor, averaged over a minute. */
  load: z.number().nonnegative(),
  /** Share of memory in use, 0 to 1. */
  memory: z.number().min(0).max(1),
  uptimeSeconds: z.number().nonnegative(),
})
const Verdict = z.object({ accepted: z.boolean(), note: z.string() })

export type Reading = z.infer<typeof Reading>

export const readings = messagePack({ request: Reading, response: Verdict })
