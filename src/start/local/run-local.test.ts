import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { recordedIo } from '../../../test/support/cli/recorded-io.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { createProgram, runProgram } from '../../cli/program.ts'
import { addLocalCommand } from './local-command.ts'

const root = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '')

const FILE = `name: shop
inputs: { who: { default: nobody } }
jobs:
  hello: { steps: [{ name: greet, command: print hello $NARWHAL_INPUT_WHO }] }
  after: { needs: hello, steps: [{ name: fail, command: exit 3 }] }
  other: { steps: [{ name: other, command: print other }] }
`

/** Runs `narwhal run` where the file lies uncommitted in a repository. */
async function narwhalRun(...args: string[]) {
  return await narwhalRunOf(FILE, ...args)
}

async function narwhalRunOf(file: string, ...args: string[]) {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using data = await tempDir()
  await writeFile(join(repository.path, 'narwhal.yml'), file)
  const io = recordedIo({ cwd: repository.path })
  const program = createProgram(io, 'test')
  addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
  await runProgram(program, ['run', '--data', data.path, '--executor', 'fake:', ...args], io)
  return { out: io.stdout.text, error: io.stderr.text, code: io.exitCode }
}

test('runs the working tree, shows its life line by line, and fails with it', async () => {
  const { out, error, code } = await narwhalRun('--input', 'who=ada')
  assert.match(out, / hello\/greet \S hello ada\n/, error)
  assert.match(out, / other\/other \S other\n/)
  assert.match(out, /after\/fail failure/)
  assert.equal(code, 1)
})

test('keeps others out of the folder with mirror and workspaces, if they got in before', async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using data = await tempDir()
  const run = async (): Promise<string> => {
    const io = recordedIo({ cwd: repository.path })
    const program = createProgram(io, 'test')
    addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
    await runProgram(program, ['run', 'hello', '--data', data.path, '--executor', 'fake:'], io)
    return io.stderr.text
  }
  assert.doesNotMatch(await run(), /other users could access/)
  const [name = ''] = await readdir(data.join('local'))
  const folder = data.join('local', name)
  await chmod(folder, 0o755)
  assert.match(
    await run(),
    /other users could access the data folder .*: it is now restricted to its owner/,
  )
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('runs only the jobs that were asked for, and those that they need', async () => {
  const { out, code } = await narwhalRun('hello')
  assert.match(out, / hello\/greet \S hello nobody\n/)
  assert.match(out, /after skipped: it was not requested/)
  assert.match(out, /other skipped: it was not requested/)
  assert.equal(code, 0)
})

test('begins with a step in the middle', async () => {
  const { out, code } = await narwhalRun('--from', 'after/fail')
  assert.match(out, /hello skipped: it comes before the step to begin at/)
  assert.match(out, /after\/fail failure/)
  assert.equal(code, 1)
})

test('opens a shell where the first step has failed, and keeps nothing of it', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using data = await tempDir()
  const steps = ['echo left > file', 'WHO=nobody; exit 3']
  const job = { env: { WHO: 'ada' }, steps }
  await writeFile(join(repository.path, 'narwhal.yml'), JSON.stringify({ jobs: { job } }))
  const options = ['--executor', 'process:', '--plain', '--shell-on-failure', '--data', data.path]
  const child = spawn(`${root}/narwhal`, ['run', ...options], { cwd: repository.path })
  child.stdin.end('echo "<$WHO $(cat file)>"; pwd; exit\n')
  child.stderr.resume()
  const said = await text(child.stdout)
  if (child.exitCode === null) await once(child, 'exit')
  assert.match(said, /Shell in the sandbox of step "WHO=nobody; exit 3" of job job, which failed/)
  assert.match(said, /<ada left>/)
  assert.equal(child.exitCode, 1)
  const [, workspace = ''] = /^(\/.*\/workspaces\/.*)$/m.exec(said) ?? []
  await assert.rejects(readdir(workspace), { code: 'ENOENT' })
})

test('ends with the error if there is no snapshot of the working tree', async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using data = await tempDir()
  await writeFile(
    join(repository.path, '.git', 'index'),
    'no index at all, and long enough for one',
  )
  const options = ['--executor', 'process:', '--plain', '--data', data.path]
  const child = spawn(`${root}/narwhal`, ['run', ...options], { cwd: repository.path })
  child.stdin.end()
  child.stdout.resume()
  const said = await text(child.stderr)
  if (child.exitCode === null) await once(child, 'exit')
  assert.match(said, /can't be committed: git add failed: .*index file corrupt/)
  assert.equal(child.exitCode, 6)
})

test('plans for the branch that is checked out, or that it is told', async () => {
  const file = JSON.stringify({
    jobs: {
      here: { when: { branch: 'topic' }, steps: ['x'] },
      there: { when: { branch: 'main' }, steps: ['x'] },
    },
  })
  await using repository = await gitRepository({ files: { 'narwhal.yml': file } })
  await repository.git('checkout', '-q', '-b', 'topic')
  const planOf = async (...args: string[]): Promise<string> => {
    const io = recordedIo({ cwd: repository.path })
    const program = createProgram(io, 'test')
    addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
    await runProgram(program, ['run', '--dry-run', ...args], io)
    return io.stdout.text
  }
  assert.match(await planOf(), /there: when: branch "topic" does not match main/)
  const pull = await planOf('--event', 'pull_request', '--target', 'main')
  assert.match(pull, /here: when: branch "main" does not match topic/)
  assert.match(await planOf('--ref', 'main'), /here: when: branch "main" does not match topic/)
})

test('shows the plan instead, and what is wrong with it', async () => {
  const plan = await narwhalRun('--dry-run', 'after')
  assert.match(plan.out, /^shop\n {2}\S hello\n {6}greet\n/)
  assert.match(plan.out, / other: it was not requested\n/)
  const wrong = await narwhalRunOf('steps: [x]\nname: [y]\n', '--dry-run', 'main')
  assert.match(wrong.out, /^narwhal\.yml:2:7: error: name must be /)
  assert.equal(wrong.code, 1)
})

test('says which argument is wrong, and nothing about the file', async () => {
  for (const args of [['nope'], ['--from', 'nosuch'], ['hello', '--from', 'gret']]) {
    for (const way of [[], ['--dry-run']]) {
      const { out, error, code } = await narwhalRun(...args, ...way)
      assert.match(error, /^narwhal: narwhal\.yml has no (job "nope": use|step "(nosuch|gret)")/)
      assert.equal(out, '')
      assert.equal(code, 2)
    }
  }
})

test('looks for narwhal.yml before anything else', async () => {
  await using folder = await tempDir()
  const io = recordedIo({ cwd: folder.path })
  const program = createProgram(io, 'test')
  addLocalCommand(program, (flags) => ({ io, root: '/', version: 'test', flags }))
  // With a setting that is wrong, and no data folder, nothing else would come so far.
  await runProgram(program, ['run', '--data', '/dev/null/x', '--executor', 'nothing:'], io)
  assert.match(io.stderr.text, /^narwhal: there is no narwhal\.yml in \/.*: create one; /)
  assert.equal(io.exitCode, 3)
})

test('shows the plan with files of other repositories, where it is told where those are', async () => {
  await using shared = await gitRepository({ files: { 'a.yml': 'jobs: { far: { steps: [x] } }' } })
  const file = `include: ['acme/ci@main:a.yml']\njobs: { near: { needs: far, steps: [y] } }\n`
  const option = ['--include-repositories', `acme/ci=${shared.path}`]
  const plan = await narwhalRunOf(file, '--dry-run', ...option)
  assert.match(plan.out, /far\n.*x\n.*near after far\n/)
  const unknown = await narwhalRunOf(file, '--dry-run')
  assert.match(unknown.out, /error: "acme\/ci@main:a\.yml" was not checked: .*acme\/ci=URL`/)
  assert.equal(unknown.code, 1)
  const wrong = await narwhalRunOf(file.replace('a.yml', 'b.yml'), '--dry-run', ...option)
  assert.match(wrong.out, /error: can't include "acme\/ci@main:b\.yml": there is no such file/)
})

test('makes no id tokens: says so, and runs the jobs that can do without', async () => {
  const { out, code } = await narwhalRunOf(`jobs:
  needs: { id_tokens: { T: { audience: a } }, steps: [print needs] }
  may: { id_tokens: { T: { audience: a, optional: true } }, steps: [print may $T.] }
`)
  assert.match(out, /needs error: it can't have the id token T: `narwhal run` issues none/)
  assert.match(out, / may\/\S.* may \.\n/)
  assert.equal(code, 1)
})
