/** What a call was refused with. */

import { OckamError } from '@ockam/core'

/** The code of the error that `call` throws or rejects with; a sentence when it does something else. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'no error'
  } catch (error) {
    return OckamError.is(error) ? error.code : `no OckamError but ${String(error)}`
  }
}
