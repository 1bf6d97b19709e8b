import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkLockFile } from './lock-file.mjs'
import { root, toolEnv } from './node.mjs'
import { main, setUp } from './setup.mjs'

const GENERATED = 'src/contract/gen'

/** `npm run check`: everything that is checked without running Narwhal; nothing is written. */
await main(async () => {
  await setUp({ ui: false })
  const checks = [
    tool('types', 'tsc', '--noEmit', '--project', '.'),
    existsSync(join(root, 'ui/tsconfig.json')) &&
      tool('types of the pages', 'tsc', '--noEmit', '--project', 'ui'),
    tool('lint', 'oxlint', '--type-aware'),
    tool('format and imports', 'biome', 'check', '--linter-enabled=false'),
    hasProtos() && tool('protocol', 'buf', 'lint'),
    hasProtos() && { name: 'generated code', run: generatedIsFresh },
    { name: 'lock file', run: lockFileIsWhole },
  ].filter(Boolean)
  const results = await Promise.all(checks.map(timed))
  for (const { name, failure } of results) {
    if (failure !== undefined) console.log(`\n✘ ${name}\n${failure.trimEnd()}`)
  }
  return results.some(({ failure }) => failure !== undefined) ? 1 : 0
})

async function timed({ name, run }) {
  const startedAt = Date.now()
  const failure = await run()
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
  console.log(`${failure === undefined ? '✔' : '✘'} ${name}  ${seconds} s`)
  return { name, failure }
}

/** A check that passes when the tool does; otherwise its output is what is wrong. */
function tool(name, command, ...args) {
  return {
    name,
    run: async () => {
      const { code, output } = await run(command, args)
      return code === 0 ? undefined : output || `${command} ended with ${code}`
    },
  }
}

function run(command, args, input = '') {
  const env = { ...toolEnv(), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) }
  const child = spawn(command, args, { cwd: root, env, stdio: 'pipe' })
  child.stdin.on('error', () => {}).end(input)
  let stdout = ''
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, output }))
  })
}

/** What would be installed here without a digest is refused; what others would install is told. */
async function lockFileIsWhole() {
  const { note, failure } = checkLockFile()
  if (note !== undefined) console.log(note)
  return failure
}

function hasProtos() {
  return filesBelow(join(root, 'proto')).some((file) => file.endsWith('.proto'))
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
}

/** Generates the code again somewhere else, and compares. */
async function generatedIsFresh() {
  const dir = mkdtempSync(join(tmpdir(), 'narwhal-generated-'))
  try {
    const { code, output } = await run('buf', ['generate', '--output', dir])
    if (code !== 0) return output
    const wanted = filesBelow(join(dir, GENERATED))
    const there = filesBelow(join(root, GENERATED))
    const stale = []
    for (const file of new Set([...wanted, ...there])) {
      const both = wanted.includes(file) && there.includes(file)
      if (!both || !(await isSame(join(dir, GENERATED, file), join(GENERATED, file)))) {
        stale.push(`${GENERATED}/${file} is not what proto/ says; run: npm run generate`)
      }
    }
    return stale.length > 0 ? stale.join('\n') : undefined
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function isSame(fresh, path) {
  const args = ['format', `--stdin-file-path=${path}`]
  const { stdout } = await run('biome', args, readFileSync(fresh, 'utf8'))
  return stdout === readFileSync(join(root, path), 'utf8')
}
