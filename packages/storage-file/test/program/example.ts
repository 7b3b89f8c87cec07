import { fileStore } from '@ockam/storage-file'

const store = fileStore('./greenhouse')
await store.set('plant/basil', new TextEncoder().encode('watered'))
const isDone = await store.batch([
  { kind: 'check', key: 'plant/basil', value: new TextEncoder().encode('watered') },
  { kind: 'set', key: 'plant/basil', value: new TextEncoder().encode('harvested') },
  { kind: 'set', key: 'harvest/1', value: new TextEncoder().encode('basil') },
])
for await (const { key, value } of store.scan('')) console.log(isDone, key, new TextDecoder().decode(value))
await store.close()
