import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { compileRunOptions } from '../../../scripts/compile.mjs'

const run = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '')

const FILE = `jobs:
  hello: { steps: [{ name: greet, command: echo hello }] }
  after: { needs: hello, steps: [{ name: fail, command: exit 3 }] }
`

test('the compiled one runs a working tree, and keeps its own compiled code', async () => {
  await using dir = await tempDir()
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await mkdir(dir.join('dist'))
  await copyFile(join(root, 'package.json'), dir.join('package.json'))
  const { build } = await import('esbuild')
  await build(compileRunOptions(dir.join('dist')))
  const narwhal = async (...args: string[]) => {
    const command = [dir.join('dist/run.cjs'), 'run', '--data', dir.join('data'), ...args]
    const env = { ...process.env, NODE_COMPILE_CACHE: dir.join('cache') }
    return await run(process.execPath, command, { cwd: repository.path, env }).then(
      ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
      ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => {
        return { stdout, stderr, code }
      },
    )
  }
  const kept = async (): Promise<readonly string[]> => {
    const all = await readdir(dir.join('cache'), { recursive: true }).catch(() => [])
    return all.filter((name) => /run-main\.cjs-\d+-\d+$/.test(name))
  }
  assert.equal((await narwhal('--executor', 'docker:unix:///nothing')).code, 5)
  assert.equal((await narwhal('--dry-run')).code, 0)
  assert.equal((await kept()).length, 0)
  for (const round of [1, 2]) {
    const { stdout, stderr, code } = await narwhal('--executor', 'process:', '--plain')
    assert.match(stdout, / hello\/greet \S hello\n/, stderr)
    assert.match(stdout, /after\/fail failure/)
    assert.equal(code, 1)
    assert.equal((await kept()).length, 1, `round ${round}`)
  }
  // Parts that are loaded late.
  assert.match((await narwhal('--dry-run')).stdout, /hello\n.*greet\n.*after after hello/)
  assert.equal((await narwhal('--help')).code, 0)
  const unknown = await narwhal('--executor', 'process:', '--from', 'nosuch')
  assert.match(unknown.stderr, /has no step "nosuch"/)
  await writeFile(join(repository.path, 'narwhal.yml'), 'stepz: [x]\n')
  const wrong = await narwhal('--executor', 'process:', '--plain')
  assert.match(wrong.stdout, /narwhal\.yml:1:1: .*stepz is not a key/)
})
