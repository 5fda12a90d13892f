import type { Deployment } from './description/schema.js'
import { enterpriseFiles } from './enterprise/enterprise.js'
import type { RenderedFile } from './files.js'
import { scaleFiles } from './scale/scale.js'

export const RENDERED_PHASES = ['scale', 'enterprise'] as const
export type RenderedPhase = (typeof RENDERED_PHASES)[number]

/** Every file of the phase, in the order of their paths; the same description gives the same bytes. */
export function renderFiles(phase: RenderedPhase, deployment: Deployment): RenderedFile[] {
  const render: Record<RenderedPhase, (of: Deployment) => RenderedFile[]> = { scale: scaleFiles, enterprise: enterpriseFiles }
  return render[phase](deployment).sort((a, b) => (a.path < b.path ? -1 : 1))
}
