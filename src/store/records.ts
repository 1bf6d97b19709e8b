import type { Role } from '../core/access/role.ts'
import type { Attempt, Phase } from '../core/attempt/attempt.ts'
import type { CommitEvent } from '../core/commit-event.ts'
import type { StatusState } from '../core/commit-status.ts'
import type { Forge, ForgeTarget, WebhookForge } from '../core/forges.ts'
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
import type { Pipeline } from '../core/pipeline/pipeline.ts'
import type { SecretRules } from '../core/secret/secret-rules.ts'
import type { ApprovalRule, PipelineFilesRule } from '../core/stranger/approval.ts'
import type { ForgeAccount } from '../core/stranger/update-bot.ts'

/** What the store keeps, in the domain's words. Times are epoch milliseconds. */

export interface RepositoryRecord {
  readonly id: RepositoryId
  /** `owner/name`; unique among the repositories that are registered. */
  readonly name: string
  readonly forge: Forge
  /** The forge's numeric id, as soon as a verified webhook has told it. */
  readonly forgeId?: number
  /** That of its owner, likewise. */
  readonly forgeOwnerId?: number
  readonly cloneUrl: string
  /** Sealed, for `webhookSecretPlace`; in clear where a former version has written it. */
  readonly webhookSecret: string
  /** The secret before that one, sealed for the same place, while it is being replaced at the forge. */
  readonly formerSecret?: { readonly sealed: string; readonly endsAt: number }
  /** 0: never polled. */
  readonly pollIntervalMs: number
  /** Whose commits wait for approval; absent: nobody has chosen, so that the default holds. */
  readonly approval?: ApprovalRule
  /** Whether strangers who need not wait do with a change of the pipeline's files; absent: the default. */
  readonly pipelineFiles?: PipelineFilesRule
  /** A commit for which nothing is run is no success at the forge, also one of its own people's. */
  readonly skippedIsOpen?: true
  /** Accounts, by the forge's numbers, that are strangers also on branches of its own; absent: none. */
  readonly strangerAccounts?: readonly number[]
  readonly createdAt: number
}

/** A repository's number at its forge, and its owner's, where that is told. */
export interface ForgeIds {
  readonly forgeId: number
  readonly ownerId?: number
}

/** What a repository can say about strangers' commits, and about those for which nothing is run. */
export interface StrangerRules
  extends Pick<RepositoryRecord, 'approval' | 'strangerAccounts' | 'pipelineFiles'> {
  readonly skippedIsOpen?: boolean
}

/** An account that was seen to push to a repository, or that it lists. */
export interface SeenAccount extends ForgeAccount {
  /** The name that it had when it was listed, or was seen first. */
  readonly listedName: string
  readonly seenAt: number
}

/** A ref of a repository with the commit it was last seen at. */
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

/** An event as the store has it; `created`: it was not known before. */
export interface AcceptedEvent {
  readonly event: CommitEvent
  readonly created: boolean
}

/** What became of a delivery; `accepted` only if its commit was not known before. */
export const DISPOSITIONS = ['accepted', 'known', 'ignored'] as const
export type Disposition = (typeof DISPOSITIONS)[number]

/** A forge's delivery of a webhook, so that a redelivery is known again. */
export interface DeliveryRecord {
  readonly forge: WebhookForge
  /** The forge's own id of the delivery. */
  readonly deliveryId: string
  readonly repositoryId: RepositoryId
  readonly disposition: Disposition
  /** The event it told of; absent when ignored. */
  readonly eventId?: EventId
  /** Why it was ignored. */
  readonly reason?: string
  readonly receivedAt: number
}

/** An attempt, of whichever job, with the names of what it belongs to. */
export interface PlacedAttempt {
  readonly jobId: JobId
  readonly pipelineId: PipelineId
  readonly jobName: string
  readonly repositoryName: string
  readonly attempt: Attempt
}

/** Lets one runner join, once. The token itself is never stored. */
export interface JoinTokenRecord {
  /** Ranges of addresses that runners join from by it, such as 10.1.0.0/16; absent: from everywhere. */
  readonly sources?: readonly string[]
  readonly id: `join_${string}`
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  /** The labels that the runner may have. */
  readonly labels: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  /** How many runners may join by it, and how many have. */
  readonly uses: number
  readonly used: number
  /** When the last of them did, and which. */
  readonly usedAt?: number
  readonly runnerId?: RunnerId
}

/** A dispatcher's seat: while it beats, the pipelines that it took are its own. */
export interface DispatcherRecord {
  readonly id: DispatcherId
  /** Where runners and other processes reach it, if it said so. */
  readonly url?: string
  /** Grows by one with every beat. Whoever sees it stand still for long enough may end the seat. */
  readonly heartbeats: number
  readonly startedAt: number
}

/** Somebody, or a program, who may use this Narwhal. */
export interface UserRecord {
  readonly id: UserId
  /** Unique. */
  readonly name: string
  readonly role: Role
  readonly createdAt: number
}

/** Who shows a credential; `role`: what it opens, which is never more than the user's own. */
export interface Asker extends UserRecord {
  /** What its token has less than its owner; absent: it opens all that the user may. */
  readonly limits?: TokenLimits
}

export interface TokenLimits {
  readonly role?: Role
  /** It sees and changes only these. */
  readonly repositories?: readonly RepositoryId[]
}

/** A secret of jobs; nobody but a job that names it gets its value. */
export interface SecretRecord extends SecretRules {
  /** Whose jobs may have it; absent: those of all repositories. */
  readonly repositoryId?: RepositoryId
  /** Unique among those of the same repository, or of all. */
  readonly name: string
  /** The value, sealed for `secretPlace`. */
  readonly sealed: string
  readonly createdAt: number
  readonly updatedAt: number
  /** The name of the user who has set it, if that is known. */
  readonly updatedBy?: string
}

/** An access token of the API, which opens what its user may do; the token itself is never stored. */
export interface TokenRecord {
  readonly id: TokenId
  readonly userId: UserId
  readonly name: string
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly createdAt: number
  /** Absent: it has no end. */
  readonly endsAt?: number
  /** When it was used last, to the hour, and from which address. */
  readonly usedAt?: number
  readonly usedFrom?: string
  /** What it has less than its owner. */
  readonly limits?: TokenLimits
}

export interface NewPipeline {
  readonly id: PipelineId
  readonly eventId: EventId
  readonly rerunOf?: PipelineId
  readonly startedBy?: string
  /** Whose it is from the start. */
  readonly dispatcherId?: DispatcherId
  readonly phases: readonly Phase[]
  readonly createdAt: number
}

export interface CreatedPipeline {
  readonly pipeline: Pipeline
  readonly repository: RepositoryRecord
  /** False when it was there already. */
  readonly created: boolean
}

/** A pipeline with all that its page needs. */
export interface PipelineDetail {
  readonly pipeline: Pipeline
  readonly event: CommitEvent
  readonly repository: RepositoryRecord
  readonly jobs: readonly Job[]
}

/** Where, and by what right, the statuses of a repository's commits are told. */
export interface ForgeLinkRecord extends ForgeTarget {
  readonly repositoryId: RepositoryId
  /** Sealed. */
  readonly token: string
  readonly createdAt: number
  /** Absent: the forge has taken the token last, or was not asked. */
  readonly refusal?: ForgeRefusal
  /** When it was tried last whether the forge takes the token. */
  readonly triedAt?: number
}

/** A forge does not take the token that it took, or was to take. */
export interface ForgeRefusal {
  readonly since: number
  readonly words: string
  /** By what that is known. One that may not write statuses may still be asked with. */
  readonly of: 'status' | 'trial'
}

/** A place at the forge that holds one status. */
export interface StatusKey {
  readonly repositoryId: RepositoryId
  readonly sha: string
  readonly context: string
}

/** What a forge was told of a commit last, or what it refused for good. */
export interface SentStatusRecord extends StatusKey {
  readonly pipelineId: PipelineId
  /** The pipeline's number: the newest of several of one commit counts. */
  readonly number: number
  readonly state: StatusState
  /** Why the forge has refused it; absent: it was told. */
  readonly error?: string
  readonly sentAt: number
}

/** A key that signs id tokens, for as long as core/id-token/id-token-keys.ts says. */
export interface IdTokenKeyRecord extends KeyTimes {
  /** RFC 7638: its thumbprint. */
  readonly kid: string
  /** The public half, a JWK as JSON. */
  readonly publicKey: string
  /** The private half, PKCS #8 in PEM, sealed for `idTokenKeyPlace`; empty once it is gone. */
  readonly sealed: string
}
