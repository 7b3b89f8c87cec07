/** Frame proxies of recordings; all end after each. */

import { FrameProxy } from '../../../interop/test/fixture/frame-proxy.ts'

const open: FrameProxy[] = []

export async function proxyTo(target: string): Promise<FrameProxy> {
  const proxy = await FrameProxy.to(target)
  open.push(proxy)
  return proxy
}

export function closeProxies(): void {
  for (const proxy of open.splice(0)) proxy.close()
}
