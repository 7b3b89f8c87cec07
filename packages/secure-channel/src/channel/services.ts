/**
 * What the parts of this package share: the neighbours they were given, and the list of live channels.
 */

import { Address, type ChannelVault, type Identities, type Primitives, type PurposeKeys, type Router } from '@ockam/core'
import type { RefusalReport } from '../handshake/refusal-report.ts'
import type { DecryptorStore } from '../persistence/decryptor-store.ts'
import type { ChannelSet } from './channel-set.ts'

/** The slots of a vault that channels use. */
export interface ChannelVaults {
  readonly channel: ChannelVault
  readonly primitives: Primitives
}

export interface ChannelServices {
  readonly router: Router
  readonly vault: ChannelVaults
  readonly identities: Identities & PurposeKeys
  readonly decryptors: DecryptorStore | undefined
  readonly refusals: RefusalReport
  readonly channels: ChannelSet
}

/**
 * The six addresses of one side, all unguessable, as Rust nodes have them. Only the first is ever seen by the peer.
 */
export interface ChannelAddresses {
  /** Handshake messages and ciphertexts come in here. */
  readonly decryptorRemote: Address
  /** Source of what was decrypted: the main address of the worker behind `decryptorRemote`. */
  readonly decryptorInternal: Address
  readonly decryptorApi: Address
  /** Messages to the peer go in here. */
  readonly encryptor: Address
  readonly encryptorApi: Address
  /** Commands to the encryptor, in order with its messages. */
  readonly encryptorInternal: Address
}

export function createAddresses({ router }: ChannelServices): ChannelAddresses {
  const random = (): Address => Address.random(router.services.random)
  return {
    decryptorRemote: random(),
    decryptorInternal: random(),
    decryptorApi: random(),
    encryptor: random(),
    encryptorApi: random(),
    encryptorInternal: random(),
  }
}
