import { inFolder, MARK, type RenderedFile } from '../files.js'
import { USER } from './kubernetes/parts.js'

/** The image of feedctl, made from its sources: `docker build -f Dockerfile <folder of feedctl>`. Only what the build reads is copied: no settings, data or secrets that lie there. */
export function dockerfile(): RenderedFile {
  const text = `${MARK}
# docker build --tag <image> --file Dockerfile <folder of feedctl's sources>
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY LICENSE tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY commands commands
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /data
RUN groupadd --gid ${USER} feedctl && useradd --uid ${USER} --gid ${USER} --no-create-home --shell /usr/sbin/nologin feedctl && chown ${USER}:${USER} /data
COPY --from=build /app/package.json /app/LICENSE /app/
COPY --from=build /app/bin /app/bin
COPY --from=build /app/dist /app/dist
COPY --from=build /app/src/api/ops/page /app/src/api/ops/page
COPY --from=build /app/node_modules /app/node_modules
USER ${USER}:${USER}
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--", "/app/bin/feedctl.js"]
CMD ["--help"]
`
  return inFolder('Dockerfile', 'the image of feedctl', text)
}
