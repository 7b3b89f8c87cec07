/**
 * Access controls that every node can use, as the Rust nodes have them (routing specification, access controls): everybody, nobody, by the mailbox a
 * message comes from or goes to, and combinations. All but combinations with one that takes its time decide at once, so they fit `incoming` and
 * `outgoing` of a worker alike.
 *
 * Not here: who is at the other end of a channel (`@ockam/secure-channel` has controls for identifiers), and where a message entered the node, which
 * is what `from` of a worker is about.
 */

import type { AccessControl, OutgoingAccessControl } from './access-control.ts'
import { Address } from './address.ts'
import { OckamError } from './error.ts'
import type { LocalMessage } from './message.ts'

/** Every message. */
export const allowAll = (): OutgoingAccessControl => ({ description: 'everything', isAllowed: () => true })

/** No message. */
export const denyAll = (): OutgoingAccessControl => ({ description: 'nothing', isAllowed: () => false })

/**
 * Messages that one of these mailboxes sent: the last one in this node, whoever made the message. The return route plays no part, because senders
 * choose it. @param addresses text is a local name, taken literally. @throws {OckamError} `core/invalid-address`
 */
export function allowSourceAddresses(addresses: readonly (Address | string)[]): OutgoingAccessControl {
  const { keys, names } = listed(addresses)
  return { description: `from ${names}`, isAllowed: (message) => keys.has(message.source.key) }
}

/**
 * Messages whose next hop is one of these: as `outgoing` of a worker, where it may send to. Hops behind the next one are not looked at.
 * @param addresses text is a local name, taken literally. @throws {OckamError} `core/invalid-address`
 */
export function allowOnwardAddresses(addresses: readonly (Address | string)[]): OutgoingAccessControl {
  const { keys, names } = listed(addresses)
  return {
    description: `to ${names}`,
    isAllowed: ({ onwardRoute: { next } }) => next !== undefined && keys.has(next.key),
  }
}

/**
 * What all of these allow. They are asked in turn until one refuses; one that throws or rejects refuses.
 * @throws {OckamError} `core/invalid-argument` for an empty list, which would allow everything.
 */
export function allowAllOf(controls: readonly OutgoingAccessControl[]): OutgoingAccessControl
export function allowAllOf(controls: readonly AccessControl[]): AccessControl
export function allowAllOf(controls: readonly AccessControl[]): AccessControl {
  if (controls.length === 0) throw new OckamError('core/invalid-argument', 'allowAllOf needs at least one access control; got none.')
  return combined([...controls], false)
}

/** What any of these allows; an empty list allows nothing. They are asked in turn until one allows; one that throws or rejects refuses. */
export function allowAnyOf(controls: readonly OutgoingAccessControl[]): OutgoingAccessControl
export function allowAnyOf(controls: readonly AccessControl[]): AccessControl
export function allowAnyOf(controls: readonly AccessControl[]): AccessControl {
  return combined([...controls], true)
}

function listed(addresses: readonly (Address | string)[]): { readonly keys: ReadonlySet<string>; readonly names: string } {
  const all = addresses.map((address) => (typeof address === 'string' ? Address.local(address) : Address.from(address)))
  return { keys: new Set(all.map(({ key }) => key)), names: all.length === 0 ? 'nobody' : all.join(' or ') }
}

/** @param decisive the verdict of one that is the verdict of all. */
function combined(controls: readonly AccessControl[], decisive: boolean): AccessControl {
  const descriptions = controls.map(({ description }) => `(${description})`)
  return {
    description: descriptions.length === 0 ? 'nothing' : descriptions.join(decisive ? ' or ' : ' and '),
    isAllowed: (message) => ask(controls, 0, message, decisive),
  }
}

function ask(controls: readonly AccessControl[], first: number, message: LocalMessage, decisive: boolean): boolean | Promise<boolean> {
  for (let i = first; i < controls.length; i++) {
    const verdict = verdictOf(controls[i] as AccessControl, message)
    if (verdict === decisive) return decisive
    if (typeof verdict !== 'boolean') {
      return verdict.then((isAllowed) => (isAllowed === decisive ? decisive : ask(controls, i + 1, message, decisive)))
    }
  }
  return !decisive
}

function verdictOf(control: AccessControl, message: LocalMessage): boolean | Promise<boolean> {
  try {
    const verdict = control.isAllowed(message)
    if (typeof verdict === 'boolean') return verdict
    return Promise.resolve(verdict).then(
      (isAllowed) => isAllowed === true,
      () => false,
    )
  } catch {
    return false
  }
}
