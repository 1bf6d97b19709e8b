import assert from 'node:assert/strict'
import { eventually } from '../../../../test/support/eventually.ts'
import type { Sandbox } from '../executor.ts'
import { type ContractFixture, isCancelled, isInvalid, NOTHING, run } from './contract-fixture.ts'

/** A script that writes a text to a new file, in the executor's language. */
export type WriteScript = (path: string, text: string) => string

/** For a shell. */
export function shellWrite(path: string, text: string): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return `${folder === '' ? ':' : `mkdir -p '${folder}'`}; printf %s '${text}' >'${path}'`
}

async function textOf(sandbox: Sandbox, path: string, maxBytes = 1_000) {
  const bytes = await sandbox.read(path, maxBytes, NOTHING)
  return bytes && Buffer.from(bytes).toString()
}

/** Holds for reading files in every executor. */
export function readContract(contract: ContractFixture, write: WriteScript): void {
  contract.check('reads a file of the workspace, and anything else by its full path', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    assert.equal(await textOf(sandbox, 'a/none'), undefined)
    await run(sandbox, write('a/file', 'one two'))
    assert.equal(await textOf(sandbox, 'a/file'), 'one two')
    assert.equal(await textOf(sandbox, `${sandbox.workspace}/a/file`), 'one two')
    for (const none of ['none', 'b/file', 'a/file/none', `${sandbox.workspace}/none`, '/none/x']) {
      assert.equal(await textOf(sandbox, none), undefined, none)
    }
    await assert.rejects(textOf(sandbox, 'a'), { code: 'conflict' })
  })

  contract.check('reads no more than it may', async () => {
    await using box = await contract.box()
    await run(box.sandbox, write('file', '12345'))
    assert.equal(await textOf(box.sandbox, 'file', 5), '12345')
    await assert.rejects(textOf(box.sandbox, 'file', 4), { code: 'too_large' })
  })

  contract.check(
    'rejects a path that leads out of the workspace, and a malformed one',
    async () => {
      const { sandbox } = await contract.shared()
      for (const path of ['..', '../x', 'a/../../x', '', 'a\0b', 'x'.repeat(5_000)]) {
        await assert.rejects(textOf(sandbox, path), isInvalid, path)
      }
    },
  )

  contract.check('reads nothing for somebody who has given up', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    await run(sandbox, write('file', 'text'))
    const enough = AbortSignal.abort(new Error('enough'))
    await assert.rejects(sandbox.read('file', 10, enough), /enough/)
    assert.equal(await textOf(sandbox, 'file'), 'text')
  })
}

/** Holds in addition where there are processes. */
export function readByStepsContract(contract: ContractFixture): void {
  contract.check('reads with the eyes of a step, whatever is in the way', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    await run(
      sandbox,
      `echo secret >real; umask 077; echo mine >private; ln -s real link; ln -s nowhere loose; mkdir in; ln -s ../in in/again; echo x >in/file`,
    )
    assert.equal(await textOf(sandbox, 'link'), 'secret\n')
    assert.equal(await textOf(sandbox, 'private'), 'mine\n')
    assert.equal(await textOf(sandbox, 'loose'), undefined)
    assert.equal(await textOf(sandbox, 'in/again/file'), 'x\n')
    // A name like a command's option, and one with everything that is special to a shell.
    const odd = `-c ' "$(id)" \\ *\n`
    await run(sandbox, `printf odd >"./$ODD"`, { ODD: odd })
    assert.equal(await textOf(sandbox, odd), 'odd')
    await run(sandbox, 'mkfifo pipe; ln -s /dev/zero endless; ln -s pipe to-pipe')
    for (const path of ['pipe', 'endless', 'to-pipe', '/dev/zero']) {
      await assert.rejects(textOf(sandbox, path), { code: 'conflict' }, path)
    }
    assert.equal((await run(sandbox, 'echo on')).stdout, 'on\n')
  })

  contract.check('shows nothing of the machine through a link', async () => {
    if (!contract.options.isolated) return
    await using box = await contract.box()
    const { sandbox } = box
    const links = ['/etc/shadow', `/proc/${process.pid}/environ`, '/proc/1/root/etc/shadow']
    await run(sandbox, links.map((to, n) => `ln -s ${to} link${n}`).join('; '))
    for (const [n, to] of links.entries()) {
      // A step's shell decides: what it can't read is not read.
      const own = await run(sandbox, `cat link${n} 2>/dev/null || :`)
      const read = await sandbox.read(`link${n}`, 100_000, NOTHING).catch(() => undefined)
      assert.equal(Buffer.from(read ?? []).toString(), own.stdout, to)
    }
    const name = 'NARWHAL_READ_SECRET'
    process.env[name] = 'sesame'
    const environ = await sandbox.read('link1', 100_000, NOTHING).catch(() => undefined)
    delete process.env[name]
    assert.ok(!Buffer.from(environ ?? []).includes('sesame'))
  })

  contract.check('reads beside a step in the background, and after an aborted one', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    const end = new AbortController()
    let said = ''
    const background = sandbox.run(
      { script: 'echo up >file; echo up; sleep 1000', env: {}, background: { end: end.signal } },
      (_, chunk) => void (said += Buffer.from(chunk).toString()),
      NOTHING,
    )
    await eventually(() => said === 'up\n')
    assert.equal(await textOf(sandbox, 'file'), 'up\n')
    end.abort()
    await background
    const stop = new AbortController()
    const running = run(sandbox, 'echo on; sleep 1000', {}, stop.signal, () => {
      stop.abort(new Error('enough'))
    })
    await assert.rejects(running, /enough/)
    assert.equal(await textOf(sandbox, 'file'), 'up\n')
    await sandbox[Symbol.asyncDispose]()
    await assert.rejects(textOf(sandbox, '/etc/passwd'), isCancelled)
  })

  contract.check('asks no process for a file that is not there', async () => {
    await using box = await contract.box()
    const { sandbox } = box
    // Nothing in a paused sandbox is executed, so an answer needs no process in it.
    await sandbox.pause()
    assert.equal(await textOf(sandbox, 'none'), undefined)
    assert.equal(await textOf(sandbox, 'none/at/all'), undefined)
    await sandbox.resume()
  })
}
