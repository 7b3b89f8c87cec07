import { softwareVault } from '@ockam/vault-software'
import { createIdentities } from '@ockam/identity'
import { createCredentials, fixedCredential } from '../src/index.ts'

const node = () => {
  const vault = softwareVault()
  const identities = createIdentities({ vault })
  return { identities, ...createCredentials({ vault, identities }) }
}
const [authority, sensor, service] = [node(), node(), node()]
const it = await authority.identities.getOrCreate('authority')
const me = await sensor.identities.getOrCreate('sensor')

await authority.identities.import(me.changeHistory)
const credential = await authority.issue({ issuer: it.identifier, subject: me.identifier, attributes: { role: 'sensor' } })
const source = fixedCredential(credential) // for `credentials` of a secure channel: what we show

await service.identities.import(it.changeHistory) // whom to believe has to be known
const verifier = service.verifier({ authorities: [it.identifier] }) // for `verifier`: who looks at what peers show
await verifier.present(me, await source.credentials(me.identifier)) // which a channel does, once the peer has proved who it is
console.log((await service.attributes.attributes(me.identifier, it.identifier))?.text.get('role')) // sensor
