/** What the API answers, as far as the page reads it. */

export type Reason = { code: string; detail: string; remedy?: string }

export type KnownStructure = {
  name: string
  label: number
  family: string
  description: string
  fdi: number | null
  colour: [number, number, number]
}

export type Catalogue = {
  versions: string[]
  inputFiles: Record<string, string[]>
  outputFiles: Record<string, { extensions: string[]; takesStructures: boolean }>
  structures: KnownStructure[]
  shorthands: Record<string, string[]>
  options: Record<string, MeshOptions>
  maxUploadMb: number
  resultHours: number
}

export type MeshOptions = { smoothingIterations: number; decimateMaxError: number; makeManifold: boolean }

export type State = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export type JobSummary = {
  jobId: string
  state: State
  stage: string
  progress: number
  attempt: number
  success: boolean | null
  error: Reason | null
  endUserId: string | null
  externalJobId: string | null
  createdAt: string
  startedAt: string | null
  endedAt: string | null
  deletedAt: string | null
}

export type JobRecord = JobSummary & {
  inputFiles: { key: string; extension: string; size: number | null; uploadedAt: string | null }[]
  outputFiles: { kind: string; extension: string; structures: string[]; status: string | null }[]
}

export type JobPage = { jobs: JobSummary[]; nextCursor: string | null }

export type Processing = {
  jobId: string
  state: State
  stage: string
  progress: number
  createdAt: string
  startedAt: string | null
  attempt: number
}

export type Part = { structure: string; status: string; confidence: number; reason: Reason | null }

export type FileResult = {
  status: string
  size: number
  extension: string
  structures: string[]
  url: string | null
  reason: Reason | null
  confidence: number
  parts: Part[]
  measures: Record<string, unknown>
  sha256: string | null
}

export type Finished = {
  success: boolean
  jobId: string
  state: State
  outputFiles: Record<string, FileResult[]>
  error?: Reason
  warnings: Reason[]
  receipt: { seconds?: Record<string, number>; optionsSent?: Record<string, Partial<MeshOptions>> }
  createdAt: string
  startedAt: string | null
  endedAt: string | null
}

export type Submitted = {
  jobId: string
  presignedUploadUrl: Record<string, { uploadUrl: string; notifyUrl: string }>
}

/** A file that will be sent, or that of an earlier job. */
export type InputBody = { extension: string } | { jobId: string }

export type OutputBody = { extension: string; structures?: string[] }

export type JobBody = {
  inputFiles: Record<string, InputBody>
  outputFiles: Record<string, OutputBody[]>
  options?: Record<string, Partial<MeshOptions>>
  endUserId?: string
}
