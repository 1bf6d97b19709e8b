import assert from 'node:assert/strict'
import { lstat, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { type ContractFixture, NOTHING, run, talkTo } from './contract-fixture.ts'

/** The part of the suite for executors that isolate jobs from the machine and from each other. */
export function isolationContract(contract: ContractFixture): void {
  contract.check('keeps the machine out of sight', async () => {
    const box = await contract.shared()
    await using other = await tempDir()
    await writeFile(other.join('secret'), 'sesame')
    const tries = [
      `cat ${other.join('secret')}`,
      `ls ${box.dir.path}`,
      `cat /proc/${process.pid}/environ`,
      'cat /etc/shadow | grep "^root:[^:]" | head -c 10 | grep .',
      'ls /home/* /root/.ssh /var/lib/docker',
      'test -S /var/run/docker.sock',
      'test -S /run/docker.sock',
      'mount -t tmpfs none /mnt',
      'mknod /tmp/disk b 8 0',
      'echo b >/proc/sysrq-trigger',
      ...(contract.options.hasOwnRoot ? [] : ['chroot / true']),
    ]
    for (const script of tries) {
      const ran = await run(box.sandbox, `${script} 2>/dev/null`)
      assert.notEqual(ran.exitCode, 0, script)
      assert.ok(!ran.stdout.includes('sesame'), script)
    }
  })

  contract.check('has no network where the job wants none', async () => {
    const box = await contract.shared()
    const spec = { ...(await contract.specIn(box.dir, 'offline')), network: 'none' as const }
    await using offline = await box.executor.open(spec, NOTHING)
    const script = 'sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d " "; cat /proc/net/route | sed 1d'
    assert.equal((await run(offline, script)).stdout, 'lo\n')
    assert.notEqual((await run(box.sandbox, script)).stdout, 'lo\n')
  })

  contract.check('has one network for all its steps, and for a shell', async () => {
    const box = await contract.shared()
    const network = 'readlink /proc/self/ns/net'
    const { stdout } = await run(box.sandbox, network)
    let beside = ''
    const background = { end: NOTHING }
    const hear = (_: string, chunk: Uint8Array) => void (beside += Buffer.from(chunk).toString())
    await box.sandbox.run({ script: network, env: {}, background }, hear, NOTHING)
    assert.equal(beside, stdout)
    const shell = await box.sandbox.shell?.({ env: {} })
    assert.ok(shell)
    assert.ok((await talkTo(shell, `${network}\nexit\n`)).includes(stdout))
    assert.notEqual(`${await readlink('/proc/self/ns/net')}\n`, stdout)
  })

  contract.check('has no powers to gain', async () => {
    const box = await contract.shared()
    const { stdout } = await run(box.sandbox, 'cat /proc/self/status; cat /proc/self/uid_map')
    const [, bounds = ''] = /CapBnd:\t([0-9a-f]+)/.exec(stdout) ?? []
    const [, effective = ''] = /CapEff:\t([0-9a-f]+)/.exec(stdout) ?? []
    assert.ok(bounds !== '')
    if (contract.options.hasOwnRoot) {
      // An ordinary user of this machine, with Docker's capabilities and LINUX_IMMUTABLE over what is its own. Where
      // the runner is one, its own ids are the first of a map in two parts.
      assert.match(stdout, /^ +0 +([1-9]\d* +65536|0 +1)$/m)
      assert.equal(BigInt(`0x${bounds}`) & ~0xa80427fbn, 0n)
    } else {
      assert.match(stdout, /NoNewPrivs:\t1/)
      // At most CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, NET_BIND_SERVICE; none in a user namespace.
      assert.equal(BigInt(`0x${effective}`) & ~0x4ebn, 0n)
    }
    assert.match((await run(box.sandbox, 'ulimit -c')).stdout, /^0$/m)
  })

  contract.check('does not let the machine be written', async () => {
    const box = await contract.shared()
    const mark = `narwhal-contract-${process.pid}`
    await run(box.sandbox, `echo x >/${mark}; echo x >/usr/${mark}; echo x >/etc/${mark} || true`)
    await run(box.sandbox, `echo x >/tmp/${mark}; echo x >"$HOME/${mark}"`)
    for (const folder of ['/', '/usr', '/etc', '/tmp', '/root', process.env['HOME'] ?? '/']) {
      await assert.rejects(lstat(join(folder, mark)))
    }
  })

  contract.check('hides the sandboxes from each other', async () => {
    const box = await contract.shared()
    await using other = await box.executor.open(await contract.specIn(box.dir, 'other'), NOTHING)
    const script = 'echo sesame >secret; echo sesame >/tmp/secret; echo sesame >"$HOME/secret"'
    await run(other, script)
    const ready = Promise.withResolvers<void>()
    const stop = new AbortController()
    const running = run(other, 'echo ready; sleep 7654', {}, stop.signal, () => ready.resolve())
    const stopped = assert.rejects(running, /done/)
    await ready.promise
    const ran = await run(
      box.sandbox,
      'cat secret /tmp/secret "$HOME/secret" 2>/dev/null || true; cat /proc/[0-9]*/cmdline | tr "\\0" " "',
    )
    assert.ok(!ran.stdout.includes('sesame'))
    assert.ok(!ran.stdout.includes('7654'))
    stop.abort(new Error('done'))
    await stopped
  })
}
