# One image for every command. Built from the lock: a package that differs from its hash is refused.
FROM python:3.11.14-slim-bookworm

WORKDIR /opt/shadow-csms
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --create-home --uid 10001 shadow && mkdir /data && chown shadow /data
USER shadow
# A named volume takes its owner from here; without one each container has a volume of its own, which workers need.
VOLUME /data
ENV SHADOW_DATA_DIR=/data PYTHONUNBUFFERED=1
ENTRYPOINT ["shadow-csms"]
CMD ["--help"]
