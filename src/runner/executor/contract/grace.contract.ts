import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { present } from '../../../lib/present.ts'
import type { Executor } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { type ContractOptions, MIB, NOTHING, run } from './contract-fixture.ts'

type GraceOptions = Pick<ContractOptions, 'skip' | 'leftovers' | 'image'>

/** How an aborted step is asked to end before it is killed; `open` gets how long it may take. */
export function graceContract(
  name: string,
  open: (graceMs: number) => Executor,
  { skip, image, leftovers }: GraceOptions,
): void {
  const stage = async (graceMs: number) => {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(await tempDir())
    await mkdir(dir.join('workspace'))
    const executor = stack.use(open(graceMs))
    const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
    const workspace = folderWorkspace(dir.join('workspace'))
    const about = { name: 'job_grace/1', workspace, limits, isStranger: false }
    const spec = { ...about, ...present({ image }) }
    const sandbox = stack.use(await executor.open(spec, NOTHING))
    const owned = stack.move()
    return { sandbox, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  }

  /** Runs a script until it says that it is ready, aborts it, and resolves to what it has said in all. */
  const abort = async ({ sandbox }: Awaited<ReturnType<typeof stage>>, script: string) => {
    const stop = new AbortController()
    let said = ''
    const running = run(sandbox, script, {}, stop.signal, (text) => {
      said += text
      if (text.includes('ready')) stop.abort(new Error('no more'))
    })
    await assert.rejects(running, /no more/)
    // Some shells report the end of their `sleep`.
    return said.replaceAll('Terminated\n', '')
  }

  test(`${name}: lets an aborted step clean up, and delivers what it says then`, {
    skip,
  }, async () => {
    await using at = await stage(60_000)
    const script = `trap 'echo cleaning; sleep 0.3; echo bye; exit 1' TERM\necho ready\nsleep 1000`
    assert.equal(await abort(at, script), 'ready\ncleaning\nbye\n')
    assert.equal((await run(at.sandbox, 'echo again')).stdout, 'again\n')
  })

  test(`${name}: leaves a program time that its shell would not wait for`, { skip }, async () => {
    await using at = await stage(60_000)
    // Some shells would become their last command, and forget the trap.
    const program = `trap "sleep 0.3; echo unlocked; exit 1" TERM; echo ready; sleep 1000; :`
    assert.equal(await abort(at, `sh -c '${program}'\necho not reached`), 'ready\nunlocked\n')
  })

  test(`${name}: starts nothing more of an aborted script`, { skip }, async () => {
    await using at = await stage(3_600_000)
    const loop = `echo ready\nwhile :; do sleep 1000 || echo again; done\necho not reached`
    assert.equal(await abort(at, loop), 'ready\n')
    const nested = `(sh -c 'echo ready; sleep 1000; echo not reached' || :) | cat\necho not reached`
    assert.equal(await abort(at, nested), 'ready\n')
  })

  test(`${name}: lets background steps clean up that are aborted with the step`, {
    skip,
  }, async () => {
    await using at = await stage(60_000)
    const stop = new AbortController()
    let said = ''
    const beside = at.sandbox.run(
      {
        script: `trap 'sleep 0.5; echo bye; exit 1' TERM\necho up\nwhile :; do sleep 0.1; done`,
        env: {},
        background: { end: new AbortController().signal },
      },
      (_, chunk) => void (said += Buffer.from(chunk).toString()),
      stop.signal,
    )
    const rejected = assert.rejects(beside, /no more/)
    await eventually(() => assert.equal(said, 'up\n'))
    const running = run(at.sandbox, 'echo ready\nsleep 1000', {}, stop.signal, () => {
      stop.abort(new Error('no more'))
    })
    await assert.rejects(running, /no more/)
    await rejected
    assert.equal(said.replaceAll('Terminated\n', ''), 'up\nbye\n')
  })

  test(`${name}: waits for nothing once it is told to end a step at once`, { skip }, async () => {
    await using at = await stage(3_600_000)
    const script = `trap 'echo asked' TERM\necho ready\nwhile :; do sleep 0.1; done`
    const [stop, atOnce] = [new AbortController(), new AbortController()]
    const step = { script, env: {}, atOnce: atOnce.signal }
    let said = ''
    const running = at.sandbox.run(
      step,
      (_, chunk) => {
        said += Buffer.from(chunk).toString()
        if (said.includes('asked')) atOnce.abort()
        else if (said.includes('ready')) stop.abort(new Error('no more'))
      },
      stop.signal,
    )
    await assert.rejects(running, /no more/)
    assert.match(said, /^ready\n(?:Terminated\n)?asked\n/)
    assert.equal((await run(at.sandbox, 'echo again')).stdout, 'again\n')
  })

  test(`${name}: kills an aborted step that does not end when asked to`, { skip }, async () => {
    await using at = await stage(300)
    const seconds = String(900_000 + (process.pid % 100_000))
    const script = `trap '' TERM\n(setsid nohup sleep ${seconds} >/dev/null 2>&1 &)\necho ready\nsleep ${seconds}`
    assert.equal(await abort(at, script), 'ready\n')
    await eventually(async () => assert.deepEqual(await leftovers(seconds), []))
    assert.equal((await run(at.sandbox, 'echo again')).stdout, 'again\n')
  })

  test(`${name}: waits for nothing when it is disposed of, or paused`, { skip }, async () => {
    for (const isPaused of [false, true]) {
      await using at = await stage(3_600_000)
      const stop = new AbortController()
      const ready = Promise.withResolvers<void>()
      const script = `trap '' TERM\necho ready\nsleep 1000`
      const running = run(at.sandbox, script, {}, stop.signal, () => ready.resolve())
      const rejected = assert.rejects(running)
      await ready.promise
      if (isPaused) {
        await at.sandbox.pause()
        stop.abort(new Error('no more'))
      } else await at.sandbox[Symbol.asyncDispose]()
      await rejected
    }
  })
}
