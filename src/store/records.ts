import type { Role } from '../core/access/role.ts'
import type { Attempt, Phase } from '../core/attempt/attempt.ts'
import type { CommitEvent } from '../core/commit-event.ts'
import type { StatusState } from '../core/commit-status.ts'
import type { Forge, ForgeTarget } from '../core/forges.ts'
import type { KeyTimes } from '../core/id-token/id-token-keys.ts'
import type {
  DispatcherId,
  EventId,
  JobId,
  PipelineId,
  RepositoryId,
  RunnerId,
  TokenId,
  UserId,
} from '../core/ids.ts'
import type { Job } from '../core/job/job.ts'
import type { Found } from '../core/moves/telling.ts'
import type { Pipeline } from '../core/pipeline/pipeline.ts'
import type { SecretRules } from '../core/secret/secret-rules.ts'
import type { ApprovalRule, PipelineFilesRule } from '../core/stranger/approval.ts'
import type { ForgeAccount } from '../core/stranger/update-bot.ts'

/** Records of the store that are no types of `core`. Times are epoch milliseconds. */

export interface RepositoryRecord {
  readonly id: RepositoryId
  /** `owner/name`; unique among the repositories that are registered. */
  readonly name: string
  readonly forge: Forge
  /** Its numeric id at the forge, known after the first verified webhook. */
  readonly forgeId?: number
  /** Its owner's numeric id, likewise. */
  readonly forgeOwnerId?: number
  /** Its path there as its forge last named it, if that is not the path of the clone URL: it was renamed. */
  readonly movedTo?: string
  readonly cloneUrl: string
  /** With what git shows itself to the server of the clone URL, sealed for `gitCredentialsPlace`. */
  readonly gitCredentials?: string
  /** The public half of its deploy key, in OpenSSH's form. */
  readonly deployKey?: string
  /** Sealed for `webhookSecretPlace`; in plain text if written by an earlier version. */
  readonly webhookSecret: string
  /** The previous secret, sealed for the same place, while it is being replaced at the forge. */
  readonly formerSecret?: { readonly sealed: string; readonly endsAt: number }
  /** 0: never polled. */
  readonly pollIntervalMs: number
  /** Whose commits wait for approval; absent: the default. */
  readonly approval?: ApprovalRule
  /** Whether changes of the pipeline's files wait for approval too; absent: the default. */
  readonly pipelineFiles?: PipelineFilesRule
  /** Skipped pipelines are not reported as success at the forge, not even those of its own people. */
  readonly skippedIsOpen?: true
  /** Ids of accounts at the forge that are strangers on its own branches too; absent: none. */
  readonly strangerAccounts?: readonly number[]
  readonly createdAt: number
}

/** The numeric ids of a repository and its owner at the forge. */
export interface ForgeIds {
  readonly forgeId: number
  readonly ownerId?: number
  /** Its path there, if that is not the path of the clone URL. */
  readonly movedTo?: string
}

/** What of a repository can be changed, besides its rules; absent: it stays. */
export interface RepositoryChange
  extends Partial<Pick<RepositoryRecord, 'name' | 'forge' | 'cloneUrl' | 'pollIntervalMs'>> {
  /** Sealed; null: none from now on. */
  readonly gitCredentials?: string | null
  readonly deployKey?: string | null
  /** It is another repository at the forge from now on: ids and accounts of the former one mean nothing. */
  readonly isAnother?: boolean
}

/** A repository's rules for strangers' commits and for skipped pipelines. */
export interface StrangerRules
  extends Pick<RepositoryRecord, 'approval' | 'strangerAccounts' | 'pipelineFiles'> {
  readonly skippedIsOpen?: boolean
}

/** An account that has pushed to a repository, or that it lists. */
export interface SeenAccount extends ForgeAccount {
  /** Its name when it was listed or first seen. */
  readonly listedName: string
  readonly seenAt: number
}

/** A ref and the commit it last pointed to. */
export interface Head {
  readonly ref: string
  readonly sha: string
}

export interface RepositoryHead extends Head {
  readonly repositoryId: RepositoryId
}

/** A commit event without a pipeline. */
export interface PendingEvent {
  readonly id: EventId
  readonly receivedAt: number
}

/** The event that a telling is about; `created`: it is new. */
export interface AcceptedEvent {
  readonly event: CommitEvent
  readonly created: boolean
  /** The telling knew more, and the plan may be another one with it. */
  readonly isCompleted?: true
  /**
   * What it is about depends on where its ref is at the git server: nothing was written, and `event` is what
   * was told. The value: what is likely, if that can't be asked.
   */
  readonly unsure?: Found
}

/** An attempt with the names of its job and repository. */
export interface PlacedAttempt {
  readonly jobId: JobId
  readonly pipelineId: PipelineId
  readonly jobName: string
  readonly repositoryName: string
  readonly attempt: Attempt
}

/** Lets runners join. The token itself is never stored. */
export interface JoinTokenRecord {
  /** Address ranges that runners may join from, such as 10.1.0.0/16; absent: any. */
  readonly sources?: readonly string[]
  readonly id: `join_${string}`
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  /** The labels that such a runner may have. */
  readonly labels: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  /** The number of runners that may join by it, and that have. */
  readonly uses: number
  readonly used: number
  /** When the last one joined, and which. */
  readonly usedAt?: number
  readonly runnerId?: RunnerId
}

/** A dispatcher's seat. While it sends heartbeats, it owns the pipelines that it took. */
export interface DispatcherRecord {
  readonly id: DispatcherId
  /** Where runners and other processes reach it, if configured. */
  readonly url?: string
  /** Incremented by each heartbeat. Others may end the seat when it hasn't changed for long enough. */
  readonly heartbeats: number
  readonly startedAt: number
}

/** A person or a program with access. */
export interface UserRecord {
  readonly id: UserId
  /** Unique. */
  readonly name: string
  readonly role: Role
  readonly createdAt: number
}

/** An authenticated caller; `role` is the credential's, never more than the user's own. */
export interface Asker extends UserRecord {
  /** Restrictions of its token; absent: the user's full permissions. */
  readonly limits?: TokenLimits
}

export interface TokenLimits {
  readonly role?: Role
  /** Access to these only. */
  readonly repositories?: readonly RepositoryId[]
}

/** A secret; only jobs that name it get its value. */
export interface SecretRecord extends SecretRules {
  /** Absent: global, for jobs of all repositories. */
  readonly repositoryId?: RepositoryId
  /** Unique within the repository, or among the global ones. */
  readonly name: string
  /** The value, sealed for `secretPlace`. */
  readonly sealed: string
  readonly createdAt: number
  readonly updatedAt: number
  /** The name of the user who set it, if known. */
  readonly updatedBy?: string
}

/** An access token of the API with its user's permissions. The token itself is never stored. */
export interface TokenRecord {
  readonly id: TokenId
  readonly userId: UserId
  readonly name: string
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly createdAt: number
  /** Absent: it does not expire. */
  readonly endsAt?: number
  /** When it was last used, to the hour, and from which address. */
  readonly usedAt?: number
  readonly usedFrom?: string
  /** Restrictions compared with its owner. */
  readonly limits?: TokenLimits
}

export interface NewPipeline {
  readonly id: PipelineId
  readonly eventId: EventId
  readonly rerunOf?: PipelineId
  readonly startedBy?: string
  /** Its first owner. */
  readonly dispatcherId?: DispatcherId
  readonly phases: readonly Phase[]
  readonly createdAt: number
}

export interface CreatedPipeline {
  readonly pipeline: Pipeline
  readonly repository: RepositoryRecord
  /** False if it existed already. */
  readonly created: boolean
  /** Its event has been completed since: it has to be planned again. */
  readonly isToReplan?: true
}

/** Since when a branch has not been tested; `base` absent: since it was made. */
export interface UntestedBase {
  readonly base?: string
}

/** A pipeline with its event, repository and jobs. */
export interface PipelineDetail {
  readonly pipeline: Pipeline
  readonly event: CommitEvent
  readonly repository: RepositoryRecord
  readonly jobs: readonly Job[]
}

/** Where, and with which token, the statuses of a repository's commits are sent. */
export interface ForgeLinkRecord extends ForgeTarget {
  readonly repositoryId: RepositoryId
  /** Sealed. */
  readonly token: string
  readonly createdAt: number
  /** Absent: the forge accepted the token last, or it was not tried yet. */
  readonly refusal?: ForgeRefusal
  /** When the token was last checked. */
  readonly triedAt?: number
}

/** The forge rejects the token. */
export interface ForgeRefusal {
  readonly since: number
  readonly words: string
  /** Rejected for a status or by a check. A token that can't write statuses may still read. */
  readonly of: 'status' | 'trial'
}

/** The key of one status at the forge. */
export interface StatusKey {
  readonly repositoryId: RepositoryId
  readonly sha: string
  readonly context: string
}

/** The last status sent to a forge for a commit, or one that it rejected permanently. */
export interface SentStatusRecord extends StatusKey {
  readonly pipelineId: PipelineId
  /** The pipeline's number: of several pipelines of one commit the newest counts. */
  readonly number: number
  readonly state: StatusState
  /** Why the forge rejected it; absent: it was sent. */
  readonly error?: string
  readonly sentAt: number
}

/** A key that signs id tokens; core/id-token/id-token-keys.ts says for how long. */
export interface IdTokenKeyRecord extends KeyTimes {
  /** Its thumbprint by RFC 7638. */
  readonly kid: string
  /** The public half, a JWK as JSON. */
  readonly publicKey: string
  /** The private half, PKCS #8 in PEM, sealed for `idTokenKeyPlace`; empty once deleted. */
  readonly sealed: string
}
