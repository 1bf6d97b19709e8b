import assert from 'node:assert/strict'
import { eventually } from '../../../../test/support/eventually.ts'
import type { Sandbox } from '../executor.ts'
import { type ContractFixture, NOTHING, run } from './contract-fixture.ts'

/** A step in the background, with its output so far. */
function startInBackground(sandbox: Sandbox, script: string, signal = NOTHING) {
  const end = new AbortController()
  const started = { said: '', end, exit: Promise.resolve({ exitCode: -1 }) }
  started.exit = sandbox.run(
    { script, env: { WHO: 'beside' }, background: { end: end.signal } },
    (_, chunk) => void (started.said += Buffer.from(chunk).toString()),
    signal,
  )
  started.exit.catch(() => {})
  return started
}

export function backgroundContract(contract: ContractFixture): void {
  contract.check(
    'runs a step in the background, and sends SIGTERM when told to end it',
    async () => {
      const box = await contract.shared()
      const script = `trap 'echo bye; exit 7' TERM\necho "$WHO" >made\necho up\nwhile :; do sleep 0.1; done`
      const background = startInBackground(box.sandbox, script)
      await eventually(() => background.said === 'up\n')
      assert.equal((await run(box.sandbox, 'cat made')).stdout, 'beside\n')
      assert.equal((await run(box.sandbox, 'exit 3')).exitCode, 3)
      background.end.abort()
      const { exitCode } = await background.exit
      assert.equal(exitCode, 7)
      // Some shells report the end of their `sleep` on the other stream.
      assert.equal(background.said.replace('Terminated\n', ''), 'up\nbye\n')
      const plain = startInBackground(box.sandbox, 'echo up; sleep 1000 & sleep 1000')
      await eventually(() => plain.said === 'up\n')
      plain.end.abort()
      assert.equal((await plain.exit).exitCode, 143)
    },
  )

  contract.check('reports how a background step ended by itself', async () => {
    const box = await contract.shared()
    const background = startInBackground(box.sandbox, 'echo a; echo b >&2; exit 5')
    assert.equal((await run(box.sandbox, 'echo other')).stdout, 'other\n')
    assert.deepEqual(await background.exit, { exitCode: 5 })
    assert.deepEqual(background.said.split('\n').sort(), ['', 'a', 'b'])
  })

  contract.check('kills a background step, and only that, when it is aborted', async () => {
    const seconds = String(300_000 + (process.pid % 100_000))
    const box = await contract.shared()
    const stop = new AbortController()
    const script = `trap '' TERM\nsleep ${seconds} &\necho up\nsleep ${seconds}`
    const background = startInBackground(box.sandbox, script, stop.signal)
    const other = run(box.sandbox, 'echo begun; read -r _ <fifo || sleep 2; echo done')
    await eventually(() => background.said === 'up\n')
    background.end.abort()
    stop.abort(new Error('enough'))
    await assert.rejects(background.exit, /enough/)
    await eventually(async () => assert.deepEqual(await contract.options.leftovers(seconds), []))
    assert.match((await other).stdout, /done\n$/)
  })

  contract.check('ends a background step with its sandbox', async () => {
    const seconds = String(400_000 + (process.pid % 100_000))
    await using box = await contract.box()
    const background = startInBackground(box.sandbox, `echo up; sleep ${seconds}`)
    await eventually(() => background.said === 'up\n')
    await box.sandbox[Symbol.asyncDispose]()
    await assert.rejects(background.exit, { code: 'cancelled' })
    await eventually(async () => assert.deepEqual(await contract.options.leftovers(seconds), []))
  })
}
