import type { Role } from '../core/access/role.ts'
import type { AttemptRecord, Phase } from '../core/attempt/attempt.ts'
import type { CommitEvent } from '../core/commit-event.ts'
import type { StatusState } from '../core/commit-status.ts'
import type { Concurrency } from '../core/concurrency/concurrency.ts'
import type { FlawedTool } from '../core/flawed-tool.ts'
import type { Forge, WebhookForge } from '../core/forge.ts'
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
import type { JobState } from '../core/job.ts'
import type { JobNetworkRules } from '../core/job-network.ts'
import type { Hold } from '../core/keeping.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Engine } from '../core/placement/placement.ts'
import type { IncludedSource, JobSpec, Problem } from '../core/plan/plan.ts'
import type { TargetJobs } from '../core/plan/target-jobs.ts'
import type { SecretRules } from '../core/secret/secret-rules.ts'
import type { ApprovalReason, ApprovalRule, PipelineFilesRule } from '../core/stranger/approval.ts'
import type { ChangedFiles } from '../core/stranger/changed-files.ts'
import { isStranger } from '../core/stranger/stranger.ts'
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

/** A forge's delivery of a webhook, so that a redelivery is known again. */
/** An event as the store has it; `created`: it was not known before. */
export interface AcceptedEvent {
  readonly event: CommitEvent
  readonly created: boolean
}

export interface DeliveryRecord {
  readonly forge: WebhookForge
  /** The forge's own id of the delivery. */
  readonly deliveryId: string
  readonly repositoryId: RepositoryId
  readonly disposition: 'accepted' | 'known' | 'ignored'
  /** The event it told of; absent when ignored. */
  readonly eventId?: EventId
  /** Why it was ignored. */
  readonly reason?: string
  readonly receivedAt: number
}

export type PipelineState =
  /** Not planned yet; `reason`: what it waits for, where that takes its time. */
  | { readonly status: 'pending'; readonly reason?: string }
  | { readonly status: 'running'; readonly startedAt: number }
  | {
      readonly status: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      readonly startedAt?: number
      readonly finishedAt: number
    }

/** Whether somebody lets a stranger's pipeline be run, or have the secrets that its jobs name. */
export type Approval =
  | {
      readonly status: 'needed'
      /** `run`: nothing of it is run before; absent: jobs were ended for want of their secrets. */
      readonly for?: 'run'
      /** Why it waits, with what there is to say besides; absent: a former version has not kept it. */
      readonly because?: ApprovalReason
      readonly words?: string
      /** Since when it waits; absent: it is not waited for any more. */
      readonly since?: number
      /** The digest of its plan, which is approved with the commit. */
      readonly plan?: string
    }
  | { readonly status: 'given'; readonly at: number; readonly by?: string; readonly plan?: string }

/** Whether nothing of it is run before somebody has approved that. */
export function isHeldBack({ approval }: { readonly approval?: Approval }): boolean {
  return approval?.status === 'needed' && approval.for === 'run'
}

/** Whether a pipeline's jobs may have what strangers may not. */
export function isApproved(trust: CommitEvent['trust'], approval: Approval | undefined): boolean {
  return !isStranger(trust) || approval?.status === 'given'
}

export interface PipelineRecord {
  readonly id: PipelineId
  readonly repositoryId: RepositoryId
  readonly eventId: EventId
  /** Counts from 1 in its repository. */
  readonly number: number
  /** The `name` in narwhal.yml; empty until planned. */
  readonly name: string
  readonly state: PipelineState
  /** What is wrong in narwhal.yml, when that ended the pipeline. */
  readonly problems: readonly Problem[]
  readonly phases: readonly Phase[]
  /** Absent as long as nothing has asked for it. */
  readonly approval?: Approval
  readonly rerunOf?: PipelineId
  /** The user who wanted it; absent where it was no person, or one without a name. */
  readonly startedBy?: string
  /** The group of pipelines that it is in; absent until planned. */
  readonly concurrency?: Concurrency
  /** What it was planned from besides narwhal.yml. */
  readonly included?: readonly IncludedSource[]
  /** Of a stranger's, once it is planned: what the branch that it wants into asks for. */
  readonly target?: TargetJobs
  /** Of a stranger's, once it is planned: what its commit changes, where that is known. */
  readonly changed?: ChangedFiles
  /** Absent: it is kept as the rules say. Written by `retention.setHold` alone. */
  readonly hold?: Hold
  readonly createdAt: number
  /** Who sees it through; absent when nobody does any more. */
  readonly dispatcherId?: DispatcherId
  /** The fencing token of that: grows whenever another dispatcher takes the pipeline. */
  readonly term: number
  /** Grows with every write; a write that names an older one is refused. */
  readonly version: number
}

export interface JobRecord {
  readonly id: JobId
  readonly pipelineId: PipelineId
  readonly repositoryId: RepositoryId
  /** Its place in narwhal.yml, from 0. */
  readonly position: number
  readonly spec: JobSpec
  readonly state: JobState
  /** The last fencing token that was given out for this job; 0 before the first. */
  readonly fence: number
  /** Oldest first; the last is the current one once it is assigned. */
  readonly attempts: readonly AttemptRecord[]
  /** Grows with every write; a write that names an older one is refused. */
  readonly version: number
}

export interface RunnerRecord {
  readonly id: RunnerId
  /** Unique. */
  readonly name: string
  readonly link: 'in-process' | 'dialled' | 'attached'
  readonly url?: string
  readonly balanced: boolean
  /** What the dispatcher shows to the runner at each call, for dialled ones. */
  readonly linkToken?: string
  readonly members: number
  readonly state: 'online' | 'draining' | 'offline' | 'set_aside'
  readonly reason?: string
  readonly labels: readonly string[]
  readonly engines: readonly Engine[]
  /** Those of them that may run the jobs of strangers; absent: none, or it has not told. */
  readonly strangerEngines?: readonly Engine[]
  /** Programs of its machine with known holes; absent: it has not told. */
  readonly flawedTools?: readonly FlawedTool[]
  readonly slots: number
  readonly busy: number
  readonly hardware?: {
    readonly cpus: number
    readonly memoryBytes: number
    readonly architecture: string
    readonly operatingSystem: string
    /** What jobs reach from there; absent: it has not told. */
    readonly jobNetwork?: JobNetworkRules
  }
  readonly softwareVersion?: string
  readonly registeredAt: number
  readonly lastSeenAt?: number
  /** It gets no new jobs, because somebody has asked for that. */
  readonly draining: boolean
  /** How many attempts in a row have failed for a reason of the runner's own. */
  readonly failures: number
  /** Set while it gets no jobs because of its failures, until a probe has passed. */
  readonly asideReason?: string
  /** The dispatcher that last was connected to it. */
  readonly seenBy?: DispatcherId
  /** SHA-256 of what an attached runner shows when it attaches, hexadecimal. */
  readonly identityHash?: string
  /** The labels that an attached runner may have; absent: any. */
  readonly allowedLabels?: readonly string[]
}

/** An attempt, of whichever job, with the names of what it belongs to. */
export interface PlacedAttempt {
  readonly jobId: JobId
  readonly pipelineId: PipelineId
  readonly jobName: string
  readonly repositoryName: string
  readonly attempt: AttemptRecord
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
  readonly beats: number
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

/** A pipeline with all that its page needs. */
export interface CreatedPipeline {
  readonly pipeline: PipelineRecord
  readonly repository: RepositoryRecord
  /** False when it was there already. */
  readonly created: boolean
}

export interface PipelineDetail {
  readonly pipeline: PipelineRecord
  readonly event: CommitEvent
  readonly repository: RepositoryRecord
  readonly jobs: readonly JobRecord[]
}

/** Where, and by what right, the statuses of a repository's commits are told. */
export interface ForgeLinkRecord {
  readonly repositoryId: RepositoryId
  readonly forge: WebhookForge | 'bitbucket'
  /** Of the forge's API, without a slash at the end: `https://api.github.com`. */
  readonly apiUrl: string
  /** The repository's path at the forge: `owner/name`. */
  readonly project: string
  /** Sealed. */
  readonly token: string
  readonly createdAt: number
}

/** A place at the forge that holds one status. */
export interface StatusKey {
  readonly repositoryId: RepositoryId
  readonly sha: string
  readonly context: string
}

/** What a forge was told of a commit last, or what it refused for good. */
export interface ToldStatusRecord extends StatusKey {
  readonly pipelineId: PipelineId
  /** The pipeline's number: the newest of several of one commit counts. */
  readonly number: number
  readonly state: StatusState
  /** Why the forge has refused it; absent: it was told. */
  readonly error?: string
  readonly toldAt: number
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
