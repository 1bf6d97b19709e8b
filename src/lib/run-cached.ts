import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Script } from 'node:vm'

/** What a compiled file exports, and how to keep what V8 has compiled of it. */
export interface CachedModule {
  readonly exports: Readonly<Record<string, unknown>>
  /** Keeps the code of all functions that have been called by now, unless it is kept already. */
  readonly keep: () => void
}

/**
 * Runs a CommonJS file with the code that V8 has compiled in a former run. Node's own cache
 * (`module.enableCompileCache`) has only what is compiled when a file is loaded; most functions are
 * compiled when they are first called, which takes longer than all of them run. Without a folder, or with code of
 * another Node or file, it is compiled as always.
 */
export function runCached(file: string, folder: string | undefined): CachedModule {
  const { size, mtimeMs } = statSync(file)
  const prefix = `${basename(file)}-`
  const path = folder && join(folder, `${prefix}${size}-${Math.floor(mtimeMs)}`)
  // The bundle has ASCII only; V8 keeps such text in a byte for each character.
  const text = readFileSync(file, 'latin1')
  const source = `(function(exports,require,module,__filename,__dirname){${text}\n})`
  const cachedData = path === undefined ? undefined : read(path)
  const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) })
  const module = { exports: {} }
  const run = script.runInThisContext() as (...values: unknown[]) => void
  run(module.exports, createRequire(file), module, file, dirname(file))
  return {
    exports: module.exports,
    keep: () => {
      if (path === undefined || (cachedData && script.cachedDataRejected === false)) return
      write(path, script.createCachedData(), prefix)
    },
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** In place of those of former files; a folder that can't be written to only costs time. */
function write(path: string, data: Buffer, prefix: string): void {
  const folder = dirname(path)
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${path}.${process.pid}`, data, { mode: 0o600 })
    for (const name of readdirSync(folder)) {
      const isFormer = name.startsWith(prefix) && !name.startsWith(basename(path))
      if (isFormer) rmSync(join(folder, name), { force: true })
    }
    renameSync(`${path}.${process.pid}`, path)
  } catch {
    // As before.
  }
}
