import type { RepositoryId } from '../../core/ids.ts'
import type { ForgeLinkRecord, ForgeRefusal, ToldStatusRecord } from '../records.ts'
import type { ForgeTrial } from '../store.ts'
import { AccessWriter } from './access/access-writer.ts'
import {
  claimForgeTrial,
  noteToldStatus,
  removeForgeLink,
  saveForgeLink,
  setForgeRefusal,
} from './statuses.ts'
import type { Db } from './tables.ts'

/** The part of a transaction's writer that is about what forges are told. */
export class StatusWriter extends AccessWriter {
  readonly #db: Db

  constructor(db: Db) {
    super(db)
    this.#db = db
  }

  saveForgeLink(link: ForgeLinkRecord): Promise<void> {
    return saveForgeLink(this.#db, link)
  }

  claimForgeTrial(trial: ForgeTrial): Promise<boolean> {
    return claimForgeTrial(this.#db, trial)
  }

  setForgeRefusal(
    link: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
    refusal: ForgeRefusal | undefined,
  ): Promise<boolean> {
    return setForgeRefusal(this.#db, link, refusal)
  }

  removeForgeLink(repositoryId: RepositoryId): Promise<void> {
    return removeForgeLink(this.#db, repositoryId)
  }

  noteToldStatus(told: ToldStatusRecord): Promise<void> {
    return noteToldStatus(this.#db, told)
  }
}
