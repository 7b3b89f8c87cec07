// How every package of the workspace becomes JavaScript. tsup writes JavaScript only; declarations come from `tsc`
// (see each package's build script), because tsup's own declaration step does not work with TypeScript 7.

import { existsSync } from 'node:fs'
import { licenseNotice } from './tsup-notice.mjs'

const shared = {
  format: 'esm',
  target: 'es2023',
  dts: false,
  sourcemap: true,
  clean: true,
  silent: true,
  // Keep `node:fs` as it is written; without this tsup turns it into `fs`.
  removeNodeProtocol: false,
}

/** A published package: shared chunks between its entry points, dependencies stay imports. */
export const library = ({ entry, platform, external = [] }) => ({
  ...shared,
  entry,
  platform,
  // Node's own modules appear only in files that an import condition selects on Node.
  external: [...external, /^node:/],
  splitting: true,
})

/** Private programs (examples, tools): one JavaScript file per source file directly in `src/`; a folder without programs builds nothing. */
export const program = () => (existsSync('src') ? { ...shared, entry: ['src/*.ts'], platform: 'node', splitting: true } : [])

/**
 * A published program: everything it needs is inside, so that it starts quickly and installs nothing else. What a run does not use stays in files of
 * its own that are never read. Libraries in CommonJS ask for Node's modules with `require`.
 */
export const bundledProgram = ({ entry }) => ({
  ...shared,
  entry,
  platform: 'node',
  splitting: true,
  sourcemap: false,
  minify: true,
  keepNames: true,
  noExternal: [/^(?!node:)/],
  esbuildPlugins: [licenseNotice()],
  banner: {
    js: "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);",
  },
})
