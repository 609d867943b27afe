# One image for every stage: which one a container is, its arguments say (`run web-crawl --stages sift`).

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

# The kernels are compiled once; the compiler stays behind.
FROM dependencies AS kernels
RUN npm ci
COPY bin bin
COPY kernels kernels
COPY src src
RUN node kernels/build.ts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY bin bin
COPY models models
COPY schemas schemas
COPY topologies topologies
COPY src src
COPY --from=kernels /app/kernels kernels
# The state of the index, and of runs over files that name no other folder.
RUN mkdir /var/lib/riffle && chown node:node /var/lib/riffle
USER 1000:1000
WORKDIR /var/lib/riffle
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/riffle.js"]
CMD ["--help"]
