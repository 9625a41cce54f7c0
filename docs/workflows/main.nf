// Counts lines of tables in Dropbox and puts the results there: nextflow run main.nf --remote dbx:project
params.remote = 'dbx:project'
params.samples = ['a', 'b']

process fetch {
    // Exit code 5 means that a repetition may help; anything else won't get better.
    errorStrategy { task.exitStatus == 5 ? 'retry' : 'terminate' }
    maxRetries 2

    input:
    val sample

    output:
    tuple val(sample), path("${sample}.csv")

    script:
    "node-tool copyto ${params.remote}/data/${sample}.csv ${sample}.csv"
}

process count {
    input:
    tuple val(sample), path(table)

    output:
    path "${sample}.txt"

    script:
    "wc -l < ${table} > ${sample}.txt"
}

process publish {
    errorStrategy { task.exitStatus == 5 ? 'retry' : 'terminate' }
    maxRetries 2

    input:
    path 'results/*'

    script:
    // One call for all results; -L, since Nextflow hands files on as symlinks.
    "node-tool copy -L results ${params.remote}/results"
}

workflow {
    channel.fromList(params.samples) | fetch | count
    publish(count.out.collect())
}
