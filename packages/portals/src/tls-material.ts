/** TLS material as programs give it, checked when they give it: a wrong key must not show with the first client, nor as an error of OpenSSL. */

import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { portalError } from './error.ts'

type Pem = string | Uint8Array

export interface TlsMaterial {
  readonly ca?: Pem | readonly Pem[] | undefined
  readonly cert?: Pem | undefined
  readonly key?: Pem | undefined
}

/** In ALPN a name has its length in one byte in front. */
const MAX_PROTOCOL_BYTES = 255

/** @param of names the function. @throws {OckamError} `portals/invalid-argument` with OpenSSL's error as its cause. */
export function secureContextOf(of: string, { ca, cert, key }: TlsMaterial): SecureContext {
  if ((cert === undefined) !== (key === undefined)) throw invalid(`${of}: tls.cert and tls.key belong together; give both.`)
  const authorities = ca === undefined ? undefined : Array.isArray(ca) ? (ca as readonly Pem[]) : [ca as Pem]
  // A context takes whatever it is given for an authority, and then trusts nobody.
  attempt(`${of}: tls.ca is a certificate in PEM, or a list of them.`, () => authorities?.forEach((pem) => new X509Certificate(pem)))
  const options = {
    ...(authorities !== undefined && { ca: [...authorities] }),
    ...(cert !== undefined && { cert, key }),
  } as SecureContextOptions
  return attempt(`${of}: tls.cert is a certificate chain and tls.key its private key, both in PEM.`, () => createSecureContext(options))
}

/** @throws {OckamError} `portals/invalid-argument` */
export function checkedProtocols(of: string, protocols: readonly string[] | undefined): { readonly ALPNProtocols?: string[] } {
  if (protocols === undefined) return {}
  const isName = (name: unknown): boolean => typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= MAX_PROTOCOL_BYTES
  if (!Array.isArray(protocols) || !protocols.every(isName)) {
    throw invalid(`${of}: tls.alpnProtocols is a list of names of 1 to ${MAX_PROTOCOL_BYTES} bytes, such as ['h2'].`)
  }
  return { ALPNProtocols: [...protocols] }
}

function attempt<Result>(problem: string, act: () => Result): Result {
  try {
    return act()
  } catch (cause) {
    throw invalid(problem, cause)
  }
}

function invalid(problem: string, cause?: unknown): Error {
  return portalError('portals/invalid-argument', problem, { cause })
}
