/**
 * Compiles `aes-gcm.ts` and writes the module into `src/aes-gcm-module-node.ts`: `node assembly/build.mjs`. The compiler's version is pinned, so
 * that everybody gets the same bytes; `test/aes-gcm-module.test.ts` compares them.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import asc from 'assemblyscript/asc'

const folder = fileURLToPath(new URL('.', import.meta.url))
/** No runtime, no imports, three pages of memory and never more. */
const OPTIONS = ['--runtime', 'stub', '--enable', 'simd', '--initialMemory', '3', '--maximumMemory', '3', '-O3', '--noAssert']

/** @returns the WebAssembly module, fresh from the compiler. */
export async function compile() {
  const files = new Map()
  const { error } = await asc.main(['aes-gcm.ts', '--baseDir', folder, '--outFile', 'aes-gcm.wasm', ...OPTIONS], {
    writeFile: (name, contents) => void files.set(name, contents),
  })
  if (error !== null)
    throw new Error('AssemblyScript refuses aes-gcm.ts; `npx asc assembly/aes-gcm.ts --enable simd` says why.', { cause: error })
  return files.get('aes-gcm.wasm')
}

/** The text of the TypeScript file that carries the module. */
export function moduleText(wasm) {
  return `/** Written by \`assembly/build.mjs\` from \`assembly/aes-gcm.ts\`: ${wasm.length} bytes of WebAssembly in base64. */
export const AES_GCM_MODULE: string =
  '${Buffer.from(wasm).toString('base64')}'
`
}

export const target = new URL('../src/aes-gcm-module-node.ts', import.meta.url)

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(target, moduleText(await compile()))
