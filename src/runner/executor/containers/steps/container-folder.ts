import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FifoStock } from '../../../../lib/pipes/fifo-stock.ts'
import { removeFolder } from '../../../../lib/remove-folder.ts'
import type { SandboxStep } from '../../executor.ts'
import { makeMaskFile } from '../../local/make-mask-file.ts'
import { StepPipes } from '../../pipes/step-pipes.ts'
import { LAUNCHERS } from './launchers.ts'
import { COMMANDS, ENDS, goScript } from './supervisor.ts'

export interface NamedPipes {
  readonly pipes: StepPipes
  readonly paths: { readonly stdout: string; readonly stderr: string }
}

/**
 * A container's files on the runner's side: its control folder, which it sees read-only, so that it can
 * replace nothing there; and FIFOs, of a stock that it does not see.
 *
 * Writes are synchronous: they are small and go to the page cache; awaiting each would cost more.
 */
export class ContainerFolder {
  readonly path: string
  readonly control: string
  /** The runner's path of the container's mask file. */
  readonly maskFile: string
  readonly #stock: FifoStock

  private constructor(path: string, stock: FifoStock) {
    this.path = path
    this.control = join(path, 'control')
    this.maskFile = join(path, 'mask')
    this.#stock = stock
  }

  /**
   * Creates one in the common folder, which must have the same path on the engine's machine. The spare FIFOs are for
   * all containers, on the same file system: making some takes a program.
   */
  static async make(parent: string, stock: FifoStock): Promise<ContainerFolder> {
    const folder = new ContainerFolder(join(parent, randomBytes(8).toString('hex')), stock)
    // The container's root may be an unprivileged user here; nobody else gets through the common folder.
    await mkdir(parent, { recursive: true, mode: 0o700 })
    await mkdir(folder.path, { mode: 0o711 })
    await mkdir(folder.control)
    const launchers = LAUNCHERS.map(async ({ file, program }) => {
      const path = join(folder.control, file)
      if (!program) return
      await writeFile(path, program)
      await chmod(path, 0o755)
    })
    await Promise.all([chmod(folder.control, 0o755), makeMaskFile(folder.maskFile), ...launchers])
    return folder
  }

  /** Creates the FIFOs of a supervisor that is about to start. */
  async placeControl(): Promise<void> {
    const [commands = '', ends = ''] = await this.#stock.take(2)
    renameSync(commands, join(this.control, COMMANDS))
    renameSync(ends, join(this.control, ENDS))
  }

  /** Once the supervisor has opened them, steps need not see them. */
  hideControl(): void {
    for (const name of [COMMANDS, ENDS]) rmSync(join(this.control, name), { force: true })
  }

  async openPipes(): Promise<NamedPipes> {
    const [stdout = '', stderr = ''] = await this.#stock.take(2)
    return { pipes: await StepPipes.open({ stdout, stderr }), paths: { stdout, stderr } }
  }

  /** Writes a step's script where the container sees it. */
  placeScript(number: number, script: string): void {
    writeFileSync(this.#file('step', number), script, { mode: 0o644 })
  }

  /** Writes everything that the supervisor's child needs to start a step. */
  placeStep(
    step: SandboxStep & { readonly number: number },
    { paths }: NamedPipes,
    isBackground: boolean,
  ): void {
    const { number } = step
    this.placeScript(number, step.script)
    writeFileSync(this.#file('go', number), goScript(step, number, isBackground), { mode: 0o644 })
    renameSync(paths.stdout, this.#file('out', number))
    renameSync(paths.stderr, this.#file('err', number))
  }

  /** A step that has started needs these no more, and others must not find them. */
  hideStep(number: number): void {
    for (const name of ['go', 'out', 'err']) rmSync(this.#file(name, number), { force: true })
  }

  removeStep(number: number): void {
    this.hideStep(number)
    rmSync(this.#file('step', number), { force: true })
  }

  async remove(): Promise<void> {
    await removeFolder(this.path)
  }

  #file(name: string, number: number): string {
    return join(this.control, `${name}-${number}`)
  }
}
