/**
 * P-256 X.509 certificates for the TLS peer, made new for every run so that no private key and no expiry date lies in the repository.
 * RFC 5280, only the fields TLS looks at: an authority, and leaves for `localhost`, valid from yesterday for a week.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const DAY_MS = 86_400_000

function der(tag, ...parts) {
  const body = Buffer.concat(parts)
  const { length } = body
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >>> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), body])
}
const sequence = (...parts) => der(0x30, ...parts)
const oid = (hex) => der(0x06, Buffer.from(hex, 'hex'))
const OID = {
  ecdsaWithSha256: oid('2a8648ce3d040302'),
  commonName: oid('550403'),
  basicConstraints: oid('551d13'),
  keyUsage: oid('551d0f'),
  alternativeName: oid('551d11'),
}
const algorithm = sequence(OID.ecdsaWithSha256)
const TRUE = Buffer.from('0101ff', 'hex')

const nameOf = (text) => sequence(der(0x31, sequence(OID.commonName, der(0x0c, Buffer.from(text)))))
const time = (ms) => der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`))
const critical = (id, value) => sequence(id, TRUE, der(0x04, value))

function certificate({ subject, issuer, publicKey, issuerKey, extensions }) {
  const serial = randomBytes(16)
  serial[0] = (serial[0] & 0x7f) | 0x01
  const toSign = sequence(
    der(0xa0, Buffer.from('020102', 'hex')),
    der(0x02, serial),
    algorithm,
    nameOf(issuer),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + 7 * DAY_MS)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', toSign, issuerKey)
  const bytes = sequence(toSign, algorithm, der(0x03, Buffer.of(0), signature))
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

export function createCertificates() {
  const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const authorityKeys = keys()
  const issuer = 'benchmark authority'
  const authority = certificate({
    subject: issuer,
    issuer,
    publicKey: authorityKeys.publicKey,
    issuerKey: authorityKeys.privateKey,
    extensions: [critical(OID.basicConstraints, sequence(TRUE)), critical(OID.keyUsage, Buffer.from('03020106', 'hex'))],
  })
  const leaf = (subject) => {
    const { publicKey, privateKey } = keys()
    const localhost = sequence(OID.alternativeName, der(0x04, sequence(der(0x82, Buffer.from('localhost')))))
    const extensions = [critical(OID.basicConstraints, sequence()), critical(OID.keyUsage, Buffer.from('03020780', 'hex')), localhost]
    const cert = certificate({ subject, issuer, publicKey, issuerKey: authorityKeys.privateKey, extensions })
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }
  }
  return { authority, client: leaf('client'), server: leaf('server') }
}
