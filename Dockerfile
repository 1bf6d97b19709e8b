# Narwhal with all its commands: `docker build -t narwhal .`, then for instance
#
#   docker run --rm -p 4747:4747 -v narwhal:/var/lib/narwhal narwhal up
#
# which prints the first access token. That has no engine to run jobs with. A runner needs the machine's
# Docker, as root, and a data folder that has the same path inside and outside, since the workspaces in it are
# mounted into the jobs' containers by the machine's Docker, which knows only the machine's paths:
#
#   docker run --user root -v /var/run/docker.sock:/var/run/docker.sock \
#     -v /var/lib/narwhal:/var/lib/narwhal … narwhal up
#
# Whoever can use that socket is root on the machine. compose.yaml shows the processes apart.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY ui/package.json ui/
# What is optional is Node itself, which the image has.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspaces=false --no-audit --no-fund

FROM node:24-slim AS pages
WORKDIR /app
COPY package.json package-lock.json ./
COPY ui/package.json ui/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY ui ui
RUN npm run build

FROM node:24-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home --uid 10001 narwhal \
  && install -d -o narwhal -g narwhal -m 700 /var/lib/narwhal
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=pages /app/ui/dist ui/dist
COPY package.json narwhal ./
COPY src src
USER narwhal
ENV NARWHAL_HOST=0.0.0.0 NARWHAL_DATA=/var/lib/narwhal NARWHAL_LOG_FORMAT=json
VOLUME /var/lib/narwhal
EXPOSE 4747 4748 4749 4750 4751
ENTRYPOINT ["/app/narwhal"]
CMD ["--help"]
