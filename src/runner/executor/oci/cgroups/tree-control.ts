import { kill, killTree, TreeStop } from '../../processes/process-tree.ts'
import { type ContainerTree, findFirst, inTree } from '../trees/container-tree.ts'
import { untilSo } from './group-files.ts'

/** Stops and kills a container that no control group holds. */
export class TreeControl {
  readonly #tree: ContainerTree
  #stop: TreeStop | undefined

  constructor(tree: ContainerTree) {
    this.#tree = tree
  }

  /** Rejects with `unavailable` if that fails. */
  async freeze(): Promise<void> {
    this.#stop ??= new TreeStop(inTree(this.#tree))
    await this.#stop.stop()
  }

  thaw(): void {
    this.#stop?.resume()
    this.#stop = undefined
  }

  /**
   * Resolves once nothing is left. `launcher` is the program that starts it, if that has not ended: it may not have
   * come as far as a first process. With that the kernel ends all others, and the launcher by itself.
   */
  async kill(launcher: number | undefined): Promise<void> {
    const { stateFile } = this.#tree
    const first = findFirst(stateFile)
    if (this.#stop || (first === undefined && launcher !== undefined)) {
      await killTree(inTree(this.#tree))
    } else if (first !== undefined) {
      kill(Number(first))
      await untilSo(`the container of ${stateFile}`, () => findFirst(stateFile) !== first)
    }
    this.#stop = undefined
  }
}
