// Compiles the addon for this machine into prebuilds/<platform>-<arch>[-musl]/aead.node, with the compiler that CC names, else `cc` (Windows: `gcc`, as
// MinGW-w64 brings it). Where that is not possible it says why and succeeds; `--require` makes that a failure.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import headers from 'node-api-headers'

const folder = import.meta.dirname
const [compiler, ...ownFlags] = (process.env.CC || (process.platform === 'win32' ? 'gcc' : 'cc')).split(' ').filter(Boolean)
const run = (command, ...args) => spawnSync(command, args.flat(), { encoding: 'utf8' })

const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Wvla', '-Wformat=2', '-Werror']
// Node-API's headers are as they are.
const flags = ['-std=c11', '-O2', '-fvisibility=hidden', '-fstack-protector-strong', warnings, '-isystem', headers.include_dir].flat()

/** Node-API's functions are imported from node.exe, by a library that is made of their names. */
const importFromNode = (scratch) => {
  const library = join(scratch, 'libnode_api.a')
  return ['js_native_api_def', 'node_api_def'].map((name) => {
    const part = library.replace('.a', `_${name}.a`)
    const { status, stderr } = run('dlltool', '--input-def', headers.def_paths[name], '--output-lib', part)
    if (status !== 0) throw new Error(`dlltool failed: ${stderr}`)
    return part
  })
}

/** What differs: `-U` forbids a compiler's own level of the macro, which is defined twice otherwise. */
const fortify = ['-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2']
const platforms = {
  linux: { flags: ['-shared', '-fPIC', '-Wl,-z,relro,-z,now,-z,noexecstack', '-s', ...fortify], libraries: () => ['-ldl'] },
  darwin: { flags: ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-x', ...fortify], libraries: () => [] },
  win32: { flags: ['-shared', '-static-libgcc', '-Wl,--nxcompat,--dynamicbase,--high-entropy-va', '-s'], libraries: importFromNode },
}

/** Not a failure, unless it is required: whoever asks for the accelerator is told, and everything else works without it. */
function notBuilt(why) {
  process.stderr.write(`The native part of @ockam/aead-native is not built: ${why}.\n`)
  process.exitCode = process.argv.includes('--require') ? 1 : 0
}

function build() {
  const platform = platforms[process.platform]
  if (platform === undefined) return notBuilt(`nobody has tried ${process.platform}`)
  const machine = run(compiler, ownFlags, '-dumpmachine')
  if (machine.status !== 0) return notBuilt(`there is no C compiler (${compiler})`)
  const isMusl = process.platform === 'linux' && machine.stdout.includes('musl')
  const target = join(folder, 'prebuilds', `${process.platform}-${process.arch}${isMusl ? '-musl' : ''}`)
  const scratch = mkdtempSync(join(tmpdir(), 'aead-native-'))
  try {
    const output = join(scratch, 'aead.node')
    const source = join(folder, 'native', 'aead.c')
    const { status, stderr } = run(compiler, ownFlags, flags, platform.flags, source, '-o', output, platform.libraries(scratch))
    if (status !== 0) return notBuilt(`${compiler} could not compile native/aead.c:\n${stderr.trimEnd()}`)
    mkdirSync(target, { recursive: true })
    // Programs that have the old file loaded keep it: the new one takes its name, not its place.
    const fresh = join(target, `aead-${process.pid}.new`)
    copyFileSync(output, fresh)
    renameSync(fresh, join(target, 'aead.node'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

build()
