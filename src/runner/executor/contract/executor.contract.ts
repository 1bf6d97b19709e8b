import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { collectOutputs, outputEnv } from '../../steps/collect-outputs.ts'
import type { Executor } from '../executor.ts'
import { archiveByStepsContract, archiveContract } from './archive.contract.ts'
import { backgroundContract } from './background.contract.ts'
import {
  ContractFixture,
  type ContractOptions,
  isCancelled,
  isInvalid,
  NOTHING,
  run,
  talkTo,
} from './contract-fixture.ts'
import { filesContract } from './files.contract.ts'
import { isolationContract } from './isolation.contract.ts'
import { maskContract } from './mask.contract.ts'
import { outputContract } from './output.contract.ts'
import { pauseContract } from './pause.contract.ts'
import { readByStepsContract, readContract, shellWrite } from './read.contract.ts'

/** Set by every sandbox, or by its shell. */
const BASE_ENV = ['PATH', 'HOME', 'HOSTNAME', 'PWD', 'OLDPWD', 'SHLVL', '_']

/** The suite that every executor with processes passes. `open` returns a new executor each time. */
export function executorContract(
  name: string,
  open: () => Promise<Executor>,
  options: ContractOptions,
): void {
  const contract = new ContractFixture(name, open, options)

  contract.check('says that sandboxes can be opened, and with what', async () => {
    const { executor } = await contract.shared()
    assert.equal(await executor.probe(), '')
    assert.ok(executor.engines.length > 0)
  })

  contract.check('ends the script at its first failing command', async () => {
    const box = await contract.shared()
    const ran = await run(box.sandbox, 'echo before\nfalse\necho after')
    assert.deepEqual(ran, { exitCode: 1, stdout: 'before\n', stderr: '' })
    const fine = await run(box.sandbox, 'false || echo or\nif false; then :; fi\n! true\necho end')
    assert.deepEqual([fine.exitCode, fine.stdout], [0, 'or\nend\n'])
  })

  contract.check('has its workspace where it says, with the outputs that steps write', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    assert.equal((await run(sandbox, 'pwd')).stdout, `${sandbox.workspace}\n`)
    const env = outputEnv(sandbox)
    const collect = () => collectOutputs(sandbox, { declared: ['a'] }, NOTHING)
    const none = { ok: true, outputs: {} }
    assert.deepEqual(await collect(), none)
    await run(sandbox, 'mkdir sub && cd sub && umask 077 && echo a=1 >>"$NARWHAL_OUTPUT"', env)
    await run(sandbox, 'echo a=2 >>"$NARWHAL_OUTPUT"', env)
    assert.deepEqual(await collect(), { ok: true, outputs: { a: '2' } })
    // Reading a pipe would block until there is a writer.
    await run(sandbox, 'rm "$NARWHAL_OUTPUT" && mkfifo "$NARWHAL_OUTPUT"', env)
    assert.deepEqual(await collect(), none)
    await run(sandbox, 'rm "$NARWHAL_OUTPUT" && seq 100000 >"$NARWHAL_OUTPUT"', env)
    const many = await collect()
    assert.match(many.ok ? '' : many.problem, /more than 65536 bytes/)
  })

  contract.check('gives a person a shell in it, with the environment of a step', async () => {
    const box = await contract.shared()
    await run(box.sandbox, 'echo left >file')
    const shell = await box.sandbox.shell?.({ env: { WHO: "a'da" } })
    assert.ok(shell)
    const said = await talkTo(shell, 'echo "<$WHO $(cat file)>"\nexit\n')
    assert.match(said, /<a'da left>/)
    assert.equal((await run(box.sandbox, 'cat file')).stdout, 'left\n')
  })

  contract.check('ends with 127 for an unknown command, and says so', async () => {
    const box = await contract.shared()
    const ran = await run(box.sandbox, 'no-such-command-here')
    assert.equal(ran.exitCode, 127)
    assert.match(ran.stderr, /no-such-command-here: not found/)
  })

  contract.check(
    'ends with 128 + n after a signal, also when the step kills its own shell',
    async () => {
      const box = await contract.shared()
      assert.deepEqual(await run(box.sandbox, 'echo out\nkill -9 $$\necho no'), {
        exitCode: 137,
        stdout: 'out\n',
        stderr: '',
      })
      assert.equal((await run(box.sandbox, 'kill -15 $$')).exitCode, 143)
      assert.equal((await run(box.sandbox, 'sh -c "kill -11 \\$\\$"')).exitCode, 139)
      assert.equal((await run(box.sandbox, 'echo fine')).stdout, 'fine\n')
    },
  )

  contract.check('gives exactly the environment of the step', async () => {
    const box = await contract.shared()
    process.env['NARWHAL_CONTRACT_SECRET'] = 'sesame'
    const env = {
      SIMPLE: 'yes',
      EMPTY: '',
      QUOTES: `'"\`$HOME\\n $(id)`,
      LINES: 'a\nb\n',
      UNICODE: 'größe ✓',
      EQUALS: '=a=b',
      DASHES: '--privileged',
      LONG: 'x'.repeat(100_000),
      IFS: 'x',
    }
    const { stdout: text } = await run(box.sandbox, 'cat /proc/self/environ', env)
    const seen = Object.fromEntries(
      text
        .split('\0')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    for (const [key, value] of Object.entries(env)) {
      if (key !== 'IFS') assert.equal(seen[key], value, key)
    }
    const known = [...BASE_ENV, ...options.baseEnv, ...Object.keys(env)]
    assert.deepEqual(
      Object.keys(seen).filter((key) => !known.includes(key)),
      [],
    )
    assert.ok(seen['PATH'] && seen['HOME'])
    delete process.env['NARWHAL_CONTRACT_SECRET']
  })

  contract.check('has a home and a temporary folder that can be written', async () => {
    const box = await contract.shared()
    const script = 'echo a >"$HOME/a"; echo b >"${TMPDIR:-/tmp}/b"'
    assert.equal((await run(box.sandbox, script)).exitCode, 0)
    const ran = await run(box.sandbox, 'cat "$HOME/a" "${TMPDIR:-/tmp}/b"')
    assert.equal(ran.stdout, 'a\nb\n')
  })

  contract.check('lets the step choose its PATH', async () => {
    const box = await contract.shared()
    await run(
      box.sandbox,
      'mkdir bin; printf "#!/bin/sh\\necho hello" >bin/hello; chmod +x bin/hello',
    )
    const bin = `${options.workspace ?? box.dir.join('workspace')}/bin`
    const ran = await run(box.sandbox, 'echo "$PATH"; hello', { PATH: bin })
    assert.deepEqual(ran, { exitCode: 0, stdout: `${bin}\nhello\n`, stderr: '' })
  })

  contract.check("rejects an environment that can't be set, and a script with a NUL", async () => {
    const box = await contract.shared()
    for (const env of [{ 'A-B': '' }, { 'A=B': '' }, { '': '' }, { 'A\n': '' }, { A: 'a\0b' }]) {
      await assert.rejects(run(box.sandbox, 'true', env as Record<string, string>), isInvalid)
    }
    await assert.rejects(run(box.sandbox, 'echo a\0b'), isInvalid)
  })

  contract.check('closes the standard input', async () => {
    const box = await contract.shared()
    const ran = await run(
      box.sandbox,
      'cat; if read line; then echo "got $line"; else echo end; fi',
    )
    assert.deepEqual(ran, { exitCode: 0, stdout: 'end\n', stderr: '' })
  })

  contract.check('runs in the workspace, whose files stay for the next step', async () => {
    await using box = await contract.box()
    await writeFile(box.dir.join('workspace', 'checkout'), 'made by the runner')
    const script =
      'pwd; cat checkout; echo changed >checkout; mkdir -p sub; echo new >sub/file; cd /'
    const workspace = options.workspace ?? box.dir.join('workspace')
    assert.equal((await run(box.sandbox, script)).stdout, `${workspace}\nmade by the runner`)
    assert.equal(
      (await run(box.sandbox, 'pwd; cat checkout sub/file')).stdout,
      `${workspace}\nchanged\nnew\n`,
    )
    assert.equal(await readFile(box.dir.join('workspace', 'sub/file'), 'utf8'), 'new\n')
  })

  contract.check('does not wait for what a step leaves in the background', async () => {
    await using box = await contract.box()
    const script = 'echo started\n(while sleep 0.02; do echo more; done) &\necho done\nexit 4'
    const ran = await run(box.sandbox, script)
    assert.equal(ran.exitCode, 4)
    assert.match(ran.stdout, /^started\n(more\n)*done\n(more\n)*$/)
    assert.equal((await run(box.sandbox, 'echo next')).stdout.replaceAll('more\n', ''), 'next\n')
  })

  contract.check('leaves no process behind', async () => {
    const seconds = String(100_000 + (process.pid % 100_000))
    await using box = await contract.box()
    const script = `sleep ${seconds} & (setsid sleep ${seconds} &) ; nohup sleep ${seconds} >/dev/null 2>&1 &\necho`
    assert.equal((await run(box.sandbox, script)).exitCode, 0)
    await box.sandbox[Symbol.asyncDispose]()
    await eventually(async () => assert.deepEqual(await options.leftovers(seconds), []))
  })

  contract.check('kills the whole tree of a step when it is aborted, and can go on', async () => {
    const seconds = String(200_000 + (process.pid % 100_000))
    const box = await contract.shared()
    const stop = new AbortController()
    const reason = new Error('no more')
    const script = `(setsid sleep ${seconds} &)\nsleep ${seconds} &\ntrap "" TERM INT HUP\necho ready\nsleep ${seconds}`
    const running = run(box.sandbox, script, {}, stop.signal, (text) => {
      if (text.includes('ready')) stop.abort(reason)
    })
    await assert.rejects(running, (error) => error === reason)
    await eventually(async () => assert.deepEqual(await options.leftovers(seconds), []))
    assert.equal((await run(box.sandbox, 'echo again')).stdout, 'again\n')
    await assert.rejects(
      run(box.sandbox, 'echo', {}, AbortSignal.abort(reason)),
      (e) => e === reason,
    )
  })

  contract.check('runs a script of 200 KB', async () => {
    const box = await contract.shared()
    const script = `${'# a comment that is long enough\n'.repeat(6_300)}x='${'y'.repeat(10_000)}'\necho $\{#x} end`
    assert.ok(script.length > 200_000)
    assert.equal((await run(box.sandbox, script)).stdout, '10000 end\n')
  })

  contract.check('runs what a here-document, a function and a trap say', async () => {
    const box = await contract.shared()
    const script = `trap 'echo bye' EXIT\nsay() { echo "say $1"; }\nsay hi\ncat <<'END'\n$not {expanded}\nEND`
    assert.equal((await run(box.sandbox, script)).stdout, 'say hi\n$not {expanded}\nbye\n')
  })

  contract.check('runs several sandboxes at once, each in its own workspace', async () => {
    await using dir = await tempDir()
    const { executor } = await contract.shared()
    const names = ['a', 'b', 'c', 'd']
    const opened = await Promise.all(
      names.map(async (folder) => executor.open(await contract.specIn(dir, folder), NOTHING)),
    )
    const ran = await Promise.all(
      opened.map((sandbox, index) => run(sandbox, `echo ${names[index]} >me; sleep 0.05; cat me`)),
    )
    assert.deepEqual(
      ran.map(({ stdout }) => stdout),
      names.map((text) => `${text}\n`),
    )
    await Promise.all(opened.map((sandbox) => sandbox[Symbol.asyncDispose]()))
  })

  contract.check('stops a step when its sandbox, or the executor, is disposed of', async () => {
    for (const part of ['sandbox', 'executor'] as const) {
      await using box = await contract.alone()
      const ready = Promise.withResolvers<void>()
      const running = run(box.sandbox, 'echo ready; sleep 1000', {}, NOTHING, () => ready.resolve())
      const stopped = assert.rejects(running, isCancelled)
      await ready.promise
      await box[part][Symbol.asyncDispose]()
      await stopped
      await box[part][Symbol.asyncDispose]()
      await assert.rejects(run(box.sandbox, 'echo'), NarwhalError)
    }
  })

  contract.check('opens nothing for a signal that has aborted', async () => {
    await using dir = await tempDir()
    const { executor } = await contract.shared()
    const reason = new Error('too late')
    const opening = executor.open(await contract.specIn(dir, 'w'), AbortSignal.abort(reason))
    await assert.rejects(opening, (error) => error === reason)
  })

  contract.check('leaves a workspace that the runner can remove', async () => {
    await using box = await contract.box()
    const script =
      'mkdir -p a/b .hidden; echo x >a/b/c; echo y >.hidden/d; ln -s / root; chmod 0 a/b/c'
    assert.equal((await run(box.sandbox, script)).exitCode, 0)
    await box.sandbox[Symbol.asyncDispose]()
    await box.dir[Symbol.asyncDispose]()
    await assert.rejects(stat(box.dir.path), { code: 'ENOENT' })
  })

  outputContract(contract)
  maskContract(contract)
  filesContract(contract)
  pauseContract(contract)
  backgroundContract(contract)
  readContract(contract, shellWrite)
  readByStepsContract(contract)
  archiveContract(contract, shellWrite)
  archiveByStepsContract(contract)
  if (options.isolated) isolationContract(contract)
}
